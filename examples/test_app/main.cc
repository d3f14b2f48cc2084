// The test application: everything by hand. Commands come from standard input, one a line; "help"
// lists them:
//
//   example_test_app jobs.db
//   TEST_APP_KEY="a password" example_test_app jobs.db
//
// It has a server of its own. Kill it, change its key, start a second one on the same database: see
// what happens to the requests.

#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "patient_http/service.h"
#include "setup.h"
#include "test_server.h"

namespace test_app {
namespace {

using namespace patient_http;

constexpr const char* kHelp =
    R"(get URL                   a path is one of the built-in server
post URL BODY
slow SECONDS              an answer that takes its time
fail                      a response with status 500, raised as an error
big KILOBYTES             over 1 KB it goes into the payload store
redirect                  followed
secret                    a header with a secret, which is sent and not stored
sign                      a preprocessor adds a header
throw [TIMES]             a callback that throws: tried again after 15 seconds and more
schedule SECONDS URL      not before then
many N                    at once: all are accepted, or none
status | statistics
dead                      what has used up its tries
retry ID | delete ID      of the dead
quiet | stop | start
help | quit
)";

class App {
 public:
  explicit App(Service& service) : service_(service) { add_commands(); }

  // False when it is time to go.
  bool run(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    if (!(words >> command)) return true;
    if (command == "quit") return false;
    const auto found = commands_.find(command);
    if (found == commands_.end()) {
      std::printf("no such command: %s (try help)\n", command.c_str());
    } else {
      found->second(words);
    }
    return true;
  }

 private:
  using Words = std::istringstream;

  void add_commands() {
    commands_["help"] = [](Words&) { std::fputs(kHelp, stdout); };
    commands_["get"] = [this](Words& words) { submit({.url = url(words)}); };
    commands_["post"] = [this](Words& words) { post(words); };
    commands_["slow"] = [this](Words& words) {
      submit({.url = server_.url("/slow?seconds=" + next(words, "1"))});
    };
    commands_["fail"] = [this](Words&) {
      submit({.url = server_.url("/fail")}, {.raise_error_responses = true});
    };
    commands_["big"] = [this](Words& words) {
      submit({.url = server_.url("/big?kilobytes=" + next(words, "100"))});
    };
    commands_["redirect"] = [this](Words&) { submit({.url = server_.url("/redirect")}); };
    commands_["secret"] = [this](Words&) {
      submit({.url = server_.url("/secret"),
              .headers = {{"x-token", *SecretReference::create("token")}}});
    };
    commands_["sign"] = [this](Words&) {
      submit({.url = server_.url("/sign"), .preprocessors = {"sign"}});
    };
    commands_["throw"] = [this](Words& words) {
      submit({.url = server_.url("/throw")},
             {.callback_args = Json::object({{"throw", number(next(words, "1"))}})});
    };
    commands_["schedule"] = [this](Words& words) {
      const auto later = std::chrono::seconds(number(next(words, "10")));
      submit({.url = url(words)}, {.run_at = std::chrono::system_clock::now() + later});
    };
    commands_["many"] = [this](Words& words) { many(number(next(words, "100"))); };
    commands_["status"] = [this](Words&) { print_status(); };
    commands_["statistics"] = [this](Words&) { print_statistics(); };
    commands_["dead"] = [this](Words&) { print_dead(); };
    commands_["retry"] = [this](Words& words) {
      const std::vector ids{next(words, "")};
      report("retried", service_.retry_dead(ids));
    };
    commands_["delete"] = [this](Words& words) {
      const std::vector ids{next(words, "")};
      report("deleted", service_.delete_dead(ids));
    };
    commands_["quiet"] = [this](Words&) {
      service_.quiet();
      std::puts("quiet: nothing new is sent");
    };
    commands_["stop"] = [this](Words&) {
      service_.stop(std::chrono::seconds(5));
      std::puts("stopped");
    };
    commands_["start"] = [this](Words&) {
      service_.start();
      std::puts("started");
    };
  }

  static std::string next(Words& words, const std::string& otherwise) {
    std::string word;
    return words >> word ? word : otherwise;
  }
  static std::int64_t number(const std::string& text) {
    try {
      return std::stoll(text);
    } catch (const std::exception&) {
      throw std::invalid_argument("not a number: " + text);
    }
  }
  std::string url(Words& words) const {
    const std::string word = next(words, "/");
    return word.starts_with('/') ? server_.url(word) : word;
  }

  void submit(RequestOptions request, SubmitOptions options = {}) {
    options.callback = "Printer";
    const auto id = service_.client().request(std::move(request), std::move(options));
    if (id) {
      std::printf("[%s] accepted\n", id->c_str());
    } else {
      std::printf("refused: %s\n", id.error().message.c_str());
    }
  }

  void post(Words& words) {
    const std::string target = url(words);
    std::string body;
    std::getline(words >> std::ws, body);
    submit({.method = HttpMethod::kPost, .url = target, .body = body});
  }

  void many(std::int64_t count) {
    std::vector<Submission> all;
    for (std::int64_t i = 0; i < count; ++i) {
      all.push_back({.request = Request::create({.url = server_.url("/slow?seconds=1")}).value(),
                     .callback = "Printer",
                     .callback_args = CallbackArgs::create(Json::object({{"i", i}})).value()});
    }
    const auto ids = service_.client().execute_all(std::move(all));
    if (ids) {
      std::printf("%zu accepted\n", ids->size());
    } else {
      std::printf("refused: %s\n", ids.error().message.c_str());
    }
  }

  void print_status() {
    const auto status = service_.status();
    if (!status) return std::printf("%s\n", status.error().message.c_str()), void();
    const JobCounts& jobs = status->jobs;
    std::printf("requests: ready %ld, in flight %ld, scheduled %ld\n", jobs.ready, jobs.in_flight,
                jobs.scheduled);
    std::printf("callbacks: waiting %ld, running %ld, scheduled %ld; dead %ld\n",
                jobs.callbacks_waiting, jobs.callbacks_running, jobs.callbacks_scheduled,
                jobs.dead);
  }

  void print_statistics() {
    const auto totals = service_.statistics();
    if (!totals) return std::printf("%s\n", totals.error().message.c_str()), void();
    std::printf("requests %ld, errors %ld, on average %.3f s\n", totals->requests, totals->errors,
                totals->requests == 0
                    ? 0
                    : totals->duration.count() / static_cast<double>(totals->requests));
    for (const auto& [type, count] : totals->errors_by_type) {
      std::printf("  error %s: %ld\n", type.c_str(), count);
    }
    for (const auto& [code, count] : totals->http_status) {
      std::printf("  status %d: %ld\n", code, count);
    }
  }

  void print_dead() {
    const auto dead = service_.dead_jobs(20);
    if (!dead) return std::printf("%s\n", dead.error().message.c_str()), void();
    if (dead->empty()) std::puts("none are dead");
    for (const DeadJob& job : *dead) {
      std::printf("%s: dead %s, %s\n", job.id.c_str(), job.is_callback ? "callback" : "request",
                  job.reason.c_str());
    }
  }

  static void report(const char* done, const Result<std::int64_t>& count) {
    if (count) {
      std::printf("%s: %ld\n", done, *count);
    } else {
      std::printf("%s\n", count.error().message.c_str());
    }
  }

  TestServer server_;
  Service& service_;
  std::map<std::string, std::function<void(Words&)>> commands_;
};

}  // namespace
}  // namespace test_app

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "Usage: %s DATABASE\n", argv[0]);
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  try {
    auto service = patient_http::Service::open(test_app::configure(argv[1]));
    if (!service) throw std::runtime_error(service.error().message);
    test_app::App app(**service);
    (*service)->start();
    std::puts("started; help lists the commands");
    for (std::string line; std::getline(std::cin, line);) {
      try {
        if (!app.run(line)) break;
      } catch (const std::exception& error) {
        std::printf("%s\n", error.what());
      }
    }
    (*service)->stop(std::chrono::seconds(0));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
