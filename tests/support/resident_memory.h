#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <string>

namespace patient_http::test {

// Whether what is resident is what the program holds: the sanitizers keep hundreds of megabytes of
// what was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMemoryIsOurs = false;
#else
constexpr bool kMemoryIsOurs = true;
#endif

[[nodiscard]] inline std::size_t resident_bytes() {
  std::size_t ignored = 0;
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> ignored >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// How much more memory was resident at the worst moment of its life than when it began.
class MemoryGrowth {
 public:
  MemoryGrowth() {
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins anew
    before_ = peak_bytes();                         // so far, where a kernel does not let it
  }

  [[nodiscard]] std::size_t bytes() const {
    const std::size_t peak = peak_bytes();
    return peak > before_ ? peak - before_ : 0;
  }

 private:
  [[nodiscard]] static std::size_t peak_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
      if (word != "VmHWM:") continue;
      std::size_t kilobytes = 0;
      status >> kilobytes;
      return kilobytes * 1024;
    }
    return resident_bytes();
  }

  std::size_t before_ = 0;
};

}  // namespace patient_http::test
