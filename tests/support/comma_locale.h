#pragma once

#include <array>
#include <clocale>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "support/temporary_folder.h"

namespace patient_http::test {

// For as long as it lives, the C library of this program writes and reads 1.5 as "1,5". The locale
// is made here: a machine that builds may have none but C.
class CommaLocale {
 public:
  CommaLocale() {
    std::filesystem::create_directory(folder_.path() / "comma");
    // As localedef of glibc (2.3 and newer) writes this category: its magic number, six offsets,
    // and the values: decimal_point, thousands_sep, grouping, both characters as wide ones,
    // codeset.
    constexpr std::array<std::uint32_t, 11> kHead = {0x20031114, 6,  32,          34,  35, 36,
                                                     40,         44, 0x0000'002c, ',', 0};
    std::ofstream file(folder_.path() / "comma" / "LC_NUMERIC", std::ios::binary);
    file.write(reinterpret_cast<const char*>(kHead.data()), sizeof kHead);
    file << "ASCII" << '\0';
    file.close();
    ::setenv("LOCPATH", folder_.path().c_str(), 1);
    if (std::setlocale(LC_NUMERIC, "comma") == nullptr || std::to_string(1.5) != "1,500000")
      throw std::runtime_error("no locale with a decimal comma");
  }
  ~CommaLocale() {
    std::setlocale(LC_NUMERIC, "C");
    ::unsetenv("LOCPATH");
  }
  CommaLocale(const CommaLocale&) = delete;
  CommaLocale& operator=(const CommaLocale&) = delete;

 private:
  TemporaryFolder folder_;
};

}  // namespace patient_http::test
