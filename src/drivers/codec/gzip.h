#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "patient_http/result.h"

namespace patient_http::codec {

// `data` as one gzip member at zlib's default level, without a time stamp: equal data gives equal
// bytes.
[[nodiscard]] std::string gzip(std::string_view data);

// Fails on anything but whole gzip data, and as soon as it inflates to more than `max_size` bytes.
[[nodiscard]] Result<std::string> gunzip(std::string_view data, std::size_t max_size);

}  // namespace patient_http::codec
