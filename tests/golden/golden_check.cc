// golden_check DIR: does what the files of a golden folder record, and compares.

#include <exception>
#include <filesystem>
#include <iostream>

#include "golden/golden_file.h"

namespace {

namespace golden = patient_http::golden;

constexpr int kAllPassed = 0;
constexpr int kSomeFailed = 1;
constexpr int kUsage = 2;

int check_folder(const std::filesystem::path& folder) {
  golden::Tally total;
  patient_http::Json deviations{patient_http::Json::Object()};
  const std::filesystem::path deviations_path = folder / "DEVIATIONS.json";
  if (std::filesystem::exists(deviations_path)) {
    auto read = golden::read_json(deviations_path);
    if (read) {
      deviations = std::move(*read);
    } else {
      std::cout << "DEVIATIONS.json: 1 failed\n  FAILED the file: " << read.error().message << "\n";
      ++total.failed;
    }
  }
  bool found = false;
  for (const std::string_view name : golden::file_names()) {
    if (!std::filesystem::exists(folder / name)) continue;
    found = true;
    total += golden::check_file(folder, name, deviations, std::cout);
  }
  if (!found) {
    std::cerr << "golden_check: there are no golden files in " << folder << "\n";
    return kUsage;
  }
  std::cout << total.passed + total.as_decided << " passed, " << total.failed << " failed\n";
  return total.failed == 0 ? kAllPassed : kSomeFailed;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    std::cerr << "usage: golden_check DIR\n\n"
                 "Checks this library against the golden files in the folder DIR.\n";
    return kUsage;
  }
  try {
    return check_folder(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << "golden_check: " << error.what() << "\n";
    return kSomeFailed;
  }
}
