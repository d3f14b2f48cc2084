#include "drivers/codec/decoder.h"

#include <string>
#include <utility>

#include "base/text.h"
#include "drivers/codec/brotli_decoder.h"
#include "drivers/codec/decoder_chain.h"
#include "drivers/codec/inflater.h"
#include "drivers/codec/zstd_decoder.h"

namespace patient_http::codec {

namespace {

std::unique_ptr<Decoder> make_decoder_of(Coding coding) {
  if (coding == Coding::kBrotli) return std::make_unique<BrotliDecoder>();
  if (coding == Coding::kZstd) return std::make_unique<ZstdDecoder>();
  return std::make_unique<Inflater>(coding == Coding::kGzip ? Inflater::Format::kGzip
                                                            : Inflater::Format::kDeflate);
}

}  // namespace

std::optional<Coding> parse_coding(std::string_view name) {
  const std::string lower = base::ascii_lower(base::trim(name));
  if (lower == "gzip" || lower == "x-gzip") return Coding::kGzip;
  if (lower == "deflate") return Coding::kDeflate;
  if (lower == "br") return Coding::kBrotli;
  if (lower == "zstd") return Coding::kZstd;
  return std::nullopt;
}

std::optional<std::vector<Coding>> parse_codings(std::string_view content_encoding) {
  std::vector<Coding> codings;
  for (std::string_view rest = content_encoding; !rest.empty();) {
    const std::string_view name = base::trim(rest.substr(0, rest.find(',')));
    rest.remove_prefix(std::min(rest.find(','), rest.size() - 1) + 1);
    if (name.empty() || base::ascii_lower(name) == "identity") continue;
    const auto coding = parse_coding(name);
    if (!coding || codings.size() == kMostCodings) return std::nullopt;
    codings.push_back(*coding);
  }
  return codings;
}

std::unique_ptr<Decoder> make_decoder(std::span<const Coding> codings, std::size_t most_between) {
  std::unique_ptr<Decoder> decoder = make_decoder_of(codings.front());
  for (const Coding coding : codings.subspan(1)) {
    decoder =
        std::make_unique<DecoderChain>(make_decoder_of(coding), std::move(decoder), most_between);
  }
  return decoder;
}

}  // namespace patient_http::codec
