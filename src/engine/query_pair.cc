#include "engine/query_pair.h"

#include "base/url.h"
#include "drivers/crypto/wipe.h"

namespace patient_http::engine {

void append_query_pair(std::string& url, std::string_view name,
                       std::optional<std::string_view> value) {
  const std::size_t room = url.size() + 2 + 3 * (name.size() + value.value_or("").size());
  if (url.capacity() < room) {
    std::string larger;
    larger.reserve(2 * room);
    larger.append(url);
    url.swap(larger);
    crypto::wipe(larger);
  }
  const std::size_t question = url.find('?');
  if (question == std::string::npos) {
    url += '?';
  } else if (question + 1 < url.size() && url.back() != '&') {
    url += '&';
  }
  base::append_form_encoded(url, name);
  if (!value) return;
  url += '=';
  base::append_form_encoded(url, *value);
}

}  // namespace patient_http::engine
