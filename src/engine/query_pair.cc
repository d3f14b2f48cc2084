#include "engine/query_pair.h"

#include "base/url.h"
#include "drivers/crypto/wipe.h"

namespace patient_http::engine {

namespace {

void make_room(std::string& text, std::size_t more) {
  const std::size_t size = text.size() + more;
  if (text.capacity() >= size) return;
  std::string larger;
  larger.reserve(2 * size);
  larger.append(text);
  text.swap(larger);
  crypto::wipe(larger);
}

}  // namespace

void append_wiping(std::string& text, std::string_view more) {
  make_room(text, more.size());
  text.append(more);
}

void append_query_pair(std::string& url, std::string_view name,
                       std::optional<std::string_view> value) {
  constexpr std::size_t kMostPerByte = 3;
  make_room(url, 2 + kMostPerByte * (name.size() + value.value_or("").size()));
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
