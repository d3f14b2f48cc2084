#include "engine/sent_url.h"

#include <algorithm>

namespace patient_http::engine {

SentUrl::SentUrl(std::string_view url) {
  constexpr std::string_view kAfterScheme = "://";
  const std::size_t authority = url.find(kAfterScheme) + kAfterScheme.size();
  const std::size_t begin = std::min(url.find_first_of("/?", authority), url.size());
  const std::size_t question = std::min(url.find('?', begin), url.size());
  origin = url.substr(0, begin);
  path = begin == question ? "/" : url.substr(begin, question - begin);
  query = url.substr(std::min(question + 1, url.size()));
}

}  // namespace patient_http::engine
