// A process that keeps payloads in files until it is killed: payload_store_victim DIRECTORY SEED.
// The data is `[<number>,"xxx…"]`, with rising numbers; after each store it writes the line
// "<key> <number>" to standard output.

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <random>
#include <string>

#include "patient_http/file_payload_store.h"

namespace {

constexpr std::uint32_t kKeys = 6;
constexpr std::uint32_t kMostBytes = 300'000;

std::string key_of(std::uint64_t number) {
  return "00000000-0000-4000-8000-00000000000" + std::to_string(number);
}

int run(const std::string& directory, std::uint32_t seed) {
  const auto store = patient_http::FilePayloadStore::open(directory);
  if (!store) return 1;
  std::mt19937 random(seed);
  for (std::uint64_t number = std::uint64_t{seed} * 1'000'000;; ++number) {
    const std::string key = key_of(random() % kKeys);
    const std::string text = std::to_string(number);
    if (!(*store)->store(key, "[" + text + ",\"" + std::string(random() % kMostBytes, 'x') + "\"]"))
      return 1;
    const std::string line = key + " " + text + "\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return 1;
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  return run(arguments[1], static_cast<std::uint32_t>(std::stoul(arguments[2])));
}
