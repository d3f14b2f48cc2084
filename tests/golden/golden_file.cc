#include "golden/golden_file.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <ostream>

#include "golden/checks.h"

namespace patient_http::golden {

namespace {

// What happens with the cases of a file.
enum class Mode {
  kCheck,
  kOwn,         // inputs are Ruby, or replies of a server that are given by name only
  kEncryptors,  // an array of objects with `cases`
  kRequestJobs  // {cases, enqueue_errors}
};

struct FileKind {
  std::string_view name;
  Mode mode;
  Check check = nullptr;
};

constexpr FileKind kKinds[] = {
    {"request_as_json.json", Mode::kCheck, check_request},
    {"payload.json", Mode::kCheck, check_payload},
    {"payload_decode.json", Mode::kCheck, check_payload_decode},
    {"response_as_json.json", Mode::kCheck, check_response},
    {"errors.json", Mode::kCheck, check_error},
    {"request_template.json", Mode::kCheck, check_request_template},
    {"redirect_task.json", Mode::kCheck, check_redirect},
    {"http_headers.json", Mode::kCheck, check_http_headers},
    {"sidekiq_request_jobs.json", Mode::kRequestJobs, check_request_job},
    {"sidekiq_callback_jobs.json", Mode::kCheck, check_callback_job},
    {"encryptor.json", Mode::kEncryptors},
    {"error_type.json", Mode::kOwn},
    {"callback_args.json", Mode::kOwn},
    {"configuration.json", Mode::kOwn},
    {"http_exchanges.json", Mode::kOwn},
    {"external_storage.json", Mode::kOwn},
    {"redis_snapshots.json", Mode::kOwn},
    {"redis_monitor_one_request.txt", Mode::kOwn},
};

// Checks cases one by one into a tally.
class Checker {
 public:
  explicit Checker(const Json& deviations) : deviations_(deviations) {}

  void check_all(const Json::Array& cases, Check check) {
    for (std::size_t i = 0; i < cases.size(); ++i) check_one(cases[i], i, check);
  }

  // One version of ActiveSupport: its keys, and the cases that it encrypted.
  void check_encryptor(const Json& group) {
    const EncryptorCheck check(group);
    const Json::Array* cases = at(group, "cases").if_array();
    if (!cases || cases->empty()) return fail(text_of(at(group, "label")), "has no cases");
    for (Json one : *cases) {
      one.set("name", text_of(at(group, "label")) + " " + text_of(at(one, "name")));
      check_one(one, 0, std::cref(check));
    }
  }

  void check_enqueue_errors(const Json::Array& cases) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (is_judged_enqueue_error(cases[i])) {
        check_one(cases[i], i, check_enqueue_error);
      } else if (text_of(at(at(cases[i], "output"), "error")) == "JSON::GeneratorError") {
        ++tally_.own;
      } else {
        ++tally_.not_applicable;
      }
    }
  }

  void fail(std::string_view name, std::string_view why) {
    ++tally_.failed;
    failures_ += "  FAILED " + std::string(name) + ": " + std::string(why) + "\n";
  }

  Tally& tally() { return tally_; }
  [[nodiscard]] const std::string& failures() const { return failures_; }

 private:
  void check_one(const Json& recorded, std::size_t index,
                 const std::function<void(const Case&, Differences&)>& check) {
    std::string name = text_of(at(recorded, "name"));
    if (name.empty()) name = "#" + std::to_string(index);
    const Case one(recorded, deviations_.find(name));
    if (one.expect() == "own") {
      ++tally_.own;
      return;
    }
    if (one.expect() == "not applicable") {
      ++tally_.not_applicable;
      return;
    }
    if (one.output().find("prepared")) ++tally_.prepared_not_yet;
    Differences differences;
    check(one, differences);
    if (!differences.empty()) return fail(name, differences.text());
    ++(one.expect().empty() ? tally_.passed : tally_.as_decided);
  }

  const Json& deviations_;
  Tally tally_;
  std::string failures_;
};

std::size_t count_of(const Json& json) {
  if (json.if_array()) return json.if_array()->size();
  return json.if_object() ? json.if_object()->size() : 1;
}

void check_content(const FileKind& kind, const Json& content, Checker& checker) {
  const Json::Array* cases = content.if_array();
  switch (kind.mode) {
    case Mode::kOwn:
      checker.tally().own = count_of(content);
      return;
    case Mode::kEncryptors:
      if (!cases) return checker.fail("the file", "is no array");
      for (const Json& group : *cases) checker.check_encryptor(group);
      return;
    case Mode::kRequestJobs:
      if (!at(content, "cases").if_array()) return checker.fail("the file", "has no cases");
      checker.check_all(*at(content, "cases").if_array(), kind.check);
      if (const Json::Array* errors = at(content, "enqueue_errors").if_array()) {
        checker.check_enqueue_errors(*errors);
      }
      return;
    case Mode::kCheck:
      if (!cases) return checker.fail("the file", "is no array");
      checker.check_all(*cases, kind.check);
  }
}

const FileKind* find_kind(std::string_view name) {
  for (const FileKind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
  passed += other.passed;
  as_decided += other.as_decided;
  not_applicable += other.not_applicable;
  own += other.own;
  not_yet += other.not_yet;
  failed += other.failed;
  prepared_not_yet += other.prepared_not_yet;
  return *this;
}

const std::vector<std::string_view>& file_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const FileKind& kind : kKinds) all.push_back(kind.name);
    return all;
  }();
  return names;
}

Result<Json> read_json(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return failure("cannot open it");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return Json::parse(text);
}

Tally check_file(const std::filesystem::path& folder, std::string_view name, const Json& deviations,
                 std::ostream& out) {
  const FileKind& kind = *find_kind(name);
  Checker checker(at(deviations, name));
  if (!name.ends_with(".json")) {
    checker.tally().own = 1;
  } else if (const auto content = read_json(folder / name)) {
    check_content(kind, *content, checker);
  } else {
    checker.fail("the file", content.error().message);
  }
  const Tally& tally = checker.tally();
  out << name << ": " << tally.passed << " passed, " << tally.as_decided << " as decided, "
      << tally.not_applicable << " not applicable, " << tally.own << " own, " << tally.not_yet
      << " not yet, " << tally.failed << " failed\n"
      << checker.failures();
  return tally;
}

}  // namespace patient_http::golden
