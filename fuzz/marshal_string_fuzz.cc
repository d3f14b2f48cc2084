// Strings in Ruby's Marshal: the bytes as Marshal's, and as a text to write.
#include "payload/marshal_string.h"

#include "fuzz/property.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace patient_http;
  using fuzz::require;

  const std::string_view bytes = fuzz::text_of(data, size);
  if (const auto text = payload::load_marshal_string(bytes)) {
    require(payload::is_marshal(bytes), "only Marshal is read");
    require(text->data() >= bytes.data() && text->size() < bytes.size() &&
                text->data() + text->size() <= bytes.data() + bytes.size(),
            "the text is a part of what was read");
  }

  const std::string written = payload::dump_marshal_string(bytes);
  const auto again = payload::load_marshal_string(written);
  require(again && *again == bytes, "a text is written and read");
  for (const std::size_t kept : {written.size() - 1, written.size() / 2, std::size_t{2}}) {
    require(!payload::load_marshal_string(std::string_view(written).substr(0, kept)),
            "what is cut off is refused");
  }
  require(!payload::load_marshal_string(written + "x"), "so is what goes on");
  return 0;
}
