#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/log_output.h"
#include "patient_http/encryption.h"
#include "patient_http/http_protocol.h"
#include "patient_http/log.h"
#include "patient_http/processor_options.h"
#include "patient_http/redis_options.h"
#include "patient_http/retry_options.h"
#include "patient_http/timeout.h"
#include "patient_http/tls_options.h"

namespace patient_http::daemon {

// Where an option is kept. The type says which texts it takes: std::optional<int> is Sidekiq's
// `retry`, true or a number.
using OptionValue =
    std::variant<bool*, int*, std::size_t*, std::string*, Seconds*, std::optional<Seconds>*,
                 std::chrono::milliseconds*, std::optional<int>*, std::vector<RedisQueue>*,
                 std::optional<HttpProtocol>*, TlsVersion*, RetryOn*, std::vector<HostLimit>*,
                 std::vector<std::string>*, std::vector<std::uint16_t>*, LogLevel*, LogFormat*,
                 EncryptionFormat::Digest*, EncryptionFormat::Serializer*>;

// Whether what it is given more than once adds up, for flags.
[[nodiscard]] bool is_list(const OptionValue& value);

// Sets it to what `text` means. Gives what is wrong ("must be true or false"), without the text;
// then nothing was changed.
[[nodiscard]] std::optional<std::string> set_option(const OptionValue& value,
                                                    std::string_view text);

// Its value in TOML; empty when it has none.
[[nodiscard]] std::string toml_of(const OptionValue& value);
[[nodiscard]] std::string toml_string(std::string_view text);
// In quotes only where it must be.
[[nodiscard]] std::string toml_key(std::string_view key);

// "NAME[,WEIGHT][,shared]".
[[nodiscard]] std::optional<RedisQueue> parse_queue(std::string_view text);
// "HOST[,max_requests=N][,max_connections=N]".
[[nodiscard]] std::optional<HostLimit> parse_host_limit(std::string_view text);

}  // namespace patient_http::daemon
