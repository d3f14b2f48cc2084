#include "daemon/run_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace patient_http::daemon {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto kRedraw = 200ms;
constexpr auto kNewLine = 5s;

// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, ",");
  return text;
}

// Seconds as "0:07", "12:34" or "1:02:03".
std::string clock_time(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string progress_line(const ProgressFigures& figures) {
  std::string line = grouped(figures.done);
  if (figures.total > 0) {
    const double part = static_cast<double>(figures.done) / static_cast<double>(figures.total);
    line += fmt::format(" of {} done ({:.0f}%)", grouped(figures.total), std::floor(part * 100));
  } else {
    line += " done";
  }
  line += fmt::format(", {} failed, {} in flight, {:.0f}/s", grouped(figures.failed),
                      grouped(figures.in_flight), figures.rate);
  if (figures.total > figures.done && figures.rate > 0) {
    line += ", " + clock_time(static_cast<double>(figures.total - figures.done) / figures.rate) +
            " left";
  }
  return line;
}

RunProgress::RunProgress(bool quiet, std::uint64_t total, const RunCounts& resumed)
    : quiet_(quiet),
      is_terminal_(::isatty(STDERR_FILENO) == 1),
      total_(total),
      resumed_(resumed),
      began_(steady_clock::now()),
      next_(began_ + (is_terminal_ ? 0ms : std::chrono::milliseconds(kNewLine))),
      rate_since_(began_),
      rate_done_(resumed.written()) {}

void RunProgress::show(const RunCounts& counts, std::size_t in_flight) {
  const auto now = steady_clock::now();
  note_rate(now, counts.written());
  if (quiet_ || now < next_) return;
  next_ = now + (is_terminal_ ? kRedraw : std::chrono::milliseconds(kNewLine));
  const std::uint64_t total = counts.input_done ? counts.pushed : total_;
  const std::string line =
      progress_line({counts.written(), counts.failed, total, in_flight, rate_});
  if (is_terminal_) {
    print("\r" + line + "\x1b[K");
    line_is_open_ = true;
  } else {
    print(line + "\n");
  }
}

// Smoothed over the last seconds, so that the time left does not jump about.
void RunProgress::note_rate(steady_clock::time_point now, std::uint64_t done) {
  const double seconds = std::chrono::duration<double>(now - rate_since_).count();
  if (seconds < 0.5) return;
  const double latest = static_cast<double>(done - rate_done_) / seconds;
  const double weight = 1 - std::exp(-seconds / 4);
  rate_ = rate_ == 0 ? latest : rate_ + weight * (latest - rate_);
  rate_since_ = now;
  rate_done_ = done;
}

void RunProgress::say(const std::string& text) {
  clear_line();
  print(text + "\n");
}

void RunProgress::summarise(const RunCounts& counts, const std::string& verdict) {
  if (quiet_) return;
  clear_line();
  const double seconds = std::chrono::duration<double>(steady_clock::now() - began_).count();
  const std::uint64_t now_done = counts.written() - resumed_.written();
  std::string text = fmt::format("{}: {} responses, {} errors", verdict, grouped(counts.succeeded),
                                 grouped(counts.failed));
  if (counts.bad_lines > 0)
    text += fmt::format(", {} bad lines left out", grouped(counts.bad_lines));
  if (resumed_.written() > 0)
    text += fmt::format(" ({} of them before)", grouped(resumed_.written()));
  text += fmt::format("; {:.1f} s, {:.0f}/s\n", seconds, static_cast<double>(now_done) / seconds);
  print(text);
}

void RunProgress::clear_line() {
  if (line_is_open_) print("\r\x1b[K");
  line_is_open_ = false;
}

}  // namespace patient_http::daemon
