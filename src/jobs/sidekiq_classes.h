#pragma once

#include <string_view>

// The classes of the gem patient_http-sidekiq under which Sidekiq knows our two kinds of jobs.
namespace patient_http::jobs {

inline constexpr std::string_view kRequestClass = "PatientHttp::Sidekiq::RequestWorker";
inline constexpr std::string_view kCallbackClass = "PatientHttp::Sidekiq::CallbackWorker";

}  // namespace patient_http::jobs
