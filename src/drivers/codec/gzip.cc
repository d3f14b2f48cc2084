#include "drivers/codec/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "drivers/codec/inflater.h"

namespace patient_http::codec {

std::string gzip(std::string_view data) {
  constexpr int kGzipWindowBits = 15 + 16;
  constexpr int kMemoryLevel = 8;
  constexpr std::size_t kMostPerCall = std::size_t{1} << 30;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string out;
  std::array<char, 16384> buffer;
  int status = Z_OK;
  do {
    const std::string_view piece = data.substr(0, kMostPerCall);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = deflate(&stream, piece.size() == data.size() ? Z_FINISH : Z_NO_FLUSH);
    data.remove_prefix(piece.size() - stream.avail_in);
    out.append(buffer.data(), buffer.size() - stream.avail_out);
  } while (status != Z_STREAM_END);
  deflateEnd(&stream);
  return out;
}

Result<std::string> gunzip(std::string_view data, std::size_t max_size) {
  if (data.empty()) return failure("invalid gzip data: it is empty");
  Inflater inflater(Inflater::Format::kGzip);
  std::string out;
  std::array<char, 16384> buffer;
  for (;;) {
    const auto progress = inflater.feed(data, buffer);
    if (!progress) return unexpected(progress.error());
    if (progress->produced > max_size - out.size()) {
      return failure("the gzip data inflates to more than " + std::to_string(max_size) + " bytes");
    }
    out.append(buffer.data(), progress->produced);
    data.remove_prefix(progress->consumed);
    if (progress->produced < buffer.size()) break;
  }
  if (!inflater.finished()) return failure("invalid gzip data: it ends too early");
  return out;
}

}  // namespace patient_http::codec
