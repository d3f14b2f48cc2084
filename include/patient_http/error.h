#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "patient_http/callback_args.h"
#include "patient_http/http_method.h"
#include "patient_http/json.h"
#include "patient_http/response.h"
#include "patient_http/result.h"

namespace patient_http {

// Why a request ended without a usable response. One table (src/http/error_kind.cc) gives each
// kind the names under which the Ruby gem knows it.
enum class ErrorKind {
  // Nothing answered in time, by phase.
  kResolveTimeout,
  kConnectTimeout,     // TCP and TLS
  kFirstByteTimeout,   // the request was sent, no response began
  kIdleTimeout,        // silence inside a response
  kThroughputTimeout,  // a body moved more slowly than min_throughput
  kTotalTimeout,
  // The network.
  kResolve,      // the name has no address, or its server failed
  kRefused,      // ECONNREFUSED
  kUnreachable,  // no route to host or network
  kReset,        // the peer reset the connection
  kClosed,       // the peer closed it before the response was complete
  kConnection,   // any other failure of a socket, such as no descriptors left; HTTP/2 rules broken
  kTls,          // handshake or record failed
  kTlsCertificate,
  kProxy,  // it refused the connection to the origin, or does not speak HTTP
  // The response.
  kProtocol,  // not HTTP, or malformed
  kDecode,    // the body is not what content-encoding says
  kResponseTooLarge,
  kHeadersTooLarge,
  kBodyMemory,  // its server was silent while others needed the memory that its body held
  // Redirects: RedirectErrors, but for the last, which the gem does not know.
  kTooManyRedirects,
  kRecursiveRedirect,
  kInvalidRedirect,  // Location cannot be followed
  // The request.
  kInvalidRequest,
  kSecretNotFound,
  kPreprocessorNotFound,
  kPreprocessorFailed,
  // Decisions.
  kCancelled,
  kPolicy,       // the address may not be dialled
  kPoison,       // condemned: its process died while it ran
  kInterrupted,  // it may have been sent when its process stopped or died, and is not sent again
  // A response whose status counts as an error (an HttpError).
  kHttpStatus,
  kUnknown,
};

// Our name of a kind, in snake case without the k: "resolve_timeout", "refused".
[[nodiscard]] std::string_view to_string(ErrorKind kind) noexcept;
[[nodiscard]] std::optional<ErrorKind> parse_error_kind(std::string_view text) noexcept;
// The gem's error_type: timeout, connection, ssl, response_too_large, redirect, http_error or
// unknown.
[[nodiscard]] std::string_view error_type(ErrorKind kind) noexcept;
// A class that exists in Ruby, such as "Errno::ECONNREFUSED".
[[nodiscard]] std::string_view ruby_class(ErrorKind kind) noexcept;

// What a RequestError is built from.
struct RequestErrorOptions {
  ErrorKind kind = ErrorKind::kUnknown;
  // What was tried, where, in which phase, and what came back.
  std::string message = {};
  Seconds duration{};
  std::string request_id = {};
  std::string url = {};
  HttpMethod method = HttpMethod::kGet;
  CallbackArgs callback_args = {};
};

// No response: the network, the protocol, a limit, a bad request, or a decision.
class RequestError {
 public:
  explicit RequestError(RequestErrorOptions options);

  // `kind`: what whoever wrote it has noted beside it, for the JSON does not carry it.
  [[nodiscard]] static Result<RequestError, InvalidValue> from_json(
      const Json& json, ErrorKind kind = ErrorKind::kUnknown);
  [[nodiscard]] Json to_json() const;

  // kUnknown when it was read from JSON that nobody noted it beside.
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  // "timeout", "connection", … as written.
  [[nodiscard]] const std::string& error_type() const noexcept { return error_type_; }
  [[nodiscard]] const std::string& class_name() const noexcept { return class_name_; }
  [[nodiscard]] std::optional<Seconds> duration() const noexcept;
  [[nodiscard]] const std::string& request_id() const noexcept { return request_id_; }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  // In the case in which it was written: Ruby writes "PUT" as it was given.
  [[nodiscard]] const std::string& method() const noexcept { return method_; }
  [[nodiscard]] const CallbackArgs& callback_args() const noexcept { return callback_args_; }

 private:
  RequestError() = default;

  ErrorKind kind_ = ErrorKind::kUnknown;
  std::string message_;
  std::string error_type_;
  std::string class_name_;
  std::string request_id_;
  std::string url_;
  std::string method_;
  CallbackArgs callback_args_;
  // As they were read; only Ruby fills the backtrace.
  Json duration_;
  Json backtrace_;
  // Class name, request id and url as read, for they may be null there; null when built here.
  Json raw_;
};

// A response whose status counts as an error, by raise_error_responses.
class HttpError {
 public:
  explicit HttpError(Response response) : response_(std::move(response)) {}

  [[nodiscard]] static Result<HttpError, InvalidValue> from_json(const Json& json);
  [[nodiscard]] Json to_json() const;

  [[nodiscard]] const Response& response() const noexcept { return response_; }
  [[nodiscard]] int status() const noexcept { return response_.status(); }
  // "HTTP 404 response from POST https://…", without credentials and query.
  [[nodiscard]] std::string message() const;
  // PatientHttp::ClientError for 4xx, PatientHttp::ServerError for 5xx, else
  // PatientHttp::HttpError.
  [[nodiscard]] std::string_view class_name() const noexcept;

 private:
  Response response_;
};

// What a RedirectError is built from.
struct RedirectErrorOptions {
  // kTooManyRedirects or kRecursiveRedirect.
  ErrorKind kind = ErrorKind::kTooManyRedirects;
  // The url that was not followed, absolute.
  std::string url = {};
  HttpMethod method = HttpMethod::kGet;
  Seconds duration{};
  std::string request_id = {};
  // The urls visited, in order.
  std::vector<std::string> redirects = {};
  CallbackArgs callback_args = {};
};

// A chain of redirects that was too long or came back to where it had been.
class RedirectError {
 public:
  explicit RedirectError(RedirectErrorOptions options);

  // Fails when error_class is neither of the two that there are.
  [[nodiscard]] static Result<RedirectError, InvalidValue> from_json(const Json& json);
  [[nodiscard]] Json to_json() const;

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] std::string message() const;
  [[nodiscard]] std::string_view class_name() const noexcept { return ruby_class(kind_); }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  [[nodiscard]] const std::string& method() const noexcept { return method_; }
  [[nodiscard]] std::optional<Seconds> duration() const noexcept;
  [[nodiscard]] const std::string& request_id() const noexcept { return request_id_; }
  [[nodiscard]] const std::vector<std::string>& redirects() const noexcept { return redirects_; }
  [[nodiscard]] const CallbackArgs& callback_args() const noexcept { return callback_args_; }

 private:
  RedirectError() = default;

  ErrorKind kind_ = ErrorKind::kTooManyRedirects;
  std::string url_;
  std::string method_;
  Json duration_;
  std::string request_id_;
  std::vector<std::string> redirects_;
  CallbackArgs callback_args_;
  Json raw_;  // url and request id, as in RequestError
};

// What an error callback gets: one of the three. Which one shows in the keys of its JSON.
class Error {
 public:
  Error(RequestError error) : error_(std::move(error)) {}
  Error(HttpError error) : error_(std::move(error)) {}
  Error(RedirectError error) : error_(std::move(error)) {}

  // `kind`: as in RequestError.
  [[nodiscard]] static Result<Error, InvalidValue> from_json(const Json& json,
                                                             ErrorKind kind = ErrorKind::kUnknown);
  [[nodiscard]] Json to_json() const;

  [[nodiscard]] ErrorKind kind() const noexcept;
  [[nodiscard]] std::string_view error_type() const noexcept;
  [[nodiscard]] std::string_view class_name() const noexcept;
  [[nodiscard]] std::string message() const;
  [[nodiscard]] const std::string& request_id() const noexcept;
  [[nodiscard]] const std::string& url() const noexcept;
  [[nodiscard]] std::optional<Seconds> duration() const noexcept;
  [[nodiscard]] const CallbackArgs& callback_args() const noexcept;

  // Null when it is another kind of error.
  [[nodiscard]] const RequestError* if_request_error() const noexcept {
    return std::get_if<RequestError>(&error_);
  }
  [[nodiscard]] const HttpError* if_http_error() const noexcept {
    return std::get_if<HttpError>(&error_);
  }
  [[nodiscard]] const RedirectError* if_redirect_error() const noexcept {
    return std::get_if<RedirectError>(&error_);
  }

 private:
  std::variant<RequestError, HttpError, RedirectError> error_;
};

}  // namespace patient_http
