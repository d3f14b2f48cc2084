#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace patient_http::test {

// A run of a program of the build folder, with its standard streams in files or pipes.
class Program {
 public:
  struct Options {
    std::string input_file = "/dev/null";
    bool pipes_input = false;   // write() feeds it
    bool pipes_output = false;  // read_line() reads it; otherwise output() is there after wait()
    std::vector<std::string> environment = {};  // "NAME=value", beside the test's own
  };

  // Starts `name` ("patient-http") of the build folder, or at its absolute path. Throws
  // std::runtime_error when it cannot.
  Program(const std::string& name, const std::vector<std::string>& arguments, Options options);
  Program(const std::string& name, const std::vector<std::string>& arguments)
      : Program(name, arguments, Options{}) {}
  ~Program();  // kills it
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void signal(int number) const;
  // Waits for its end: the exit status, or 1000 and the number of the signal that ended it.
  int wait();
  // False while it runs.
  [[nodiscard]] bool has_ended();

  void write(const std::string& text) const;
  void close_input();
  void close_output();
  // The next line of a piped output, without its line feed; empty at the end.
  [[nodiscard]] std::string read_line();

  // Standard output and standard error, as far as they were written.
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string errors() const;
  // After wait(): the most memory that it held, in bytes. The kernel counts what the process that
  // started it held as well: keep that small.
  [[nodiscard]] std::size_t peak_memory() const;

 private:
  pid_t pid_ = -1;
  int status_ = -1;
  rusage usage_{};
  int input_ = -1;
  int piped_output_ = -1;
  std::string unread_;
  std::string folder_;
};

// The content of a file, or nothing when it is not there.
[[nodiscard]] std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& content);
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

// Waits until `condition` holds, by asking again and again: for what another process does and
// tells nobody. False after a minute.
[[nodiscard]] bool wait_until(const std::function<bool()>& condition);

}  // namespace patient_http::test
