#include "curl_clients.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "drivers/net/fd.h"
#include "process_figures.h"

namespace patient_http::bench {

namespace {

using std::chrono::steady_clock;
using SecondsOf = std::chrono::duration<double>;

constexpr auto kPatience = std::chrono::seconds(120);

struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeHeaders {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, FreeEasy>;
using Headers = std::unique_ptr<curl_slist, FreeHeaders>;

std::size_t drop(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

// What the engine sends.
Headers make_headers() {
  curl_slist* list = nullptr;
  for (const char* line : {"x-request-id: 00000000-0000-4000-8000-000000000000",
                           "user-agent: PatientHttp", "Accept:"}) {
    list = curl_slist_append(list, line);
  }
  return Headers(list);
}

Easy make_easy(const LoadCase& load, const Headers& headers) {
  Easy easy(curl_easy_init());
  if (!easy) throw std::runtime_error("curl_easy_init failed");
  curl_easy_setopt(easy.get(), CURLOPT_URL, load.url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy.get(), CURLOPT_ACCEPT_ENCODING, "gzip, deflate, br, zstd");
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT, 600L);
  if (!load.ca_file.empty()) curl_easy_setopt(easy.get(), CURLOPT_CAINFO, load.ca_file.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_HTTP_VERSION,
                   load.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
  if (load.http2) curl_easy_setopt(easy.get(), CURLOPT_PIPEWAIT, 1L);
  return easy;
}

// Sockets and clock of a multi handle on epoll.
class CurlLoop {
 public:
  CurlLoop() : multi_(curl_multi_init()), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
    curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
    curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    // As many connections as there are requests, kept: the default would close most of them.
    curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, 100'000L);
  }

  void add(CURL* easy) { curl_multi_add_handle(multi_.get(), easy); }

  // Goes on until `until`, or `enough` are done; each transfer that ends begins again.
  void run(steady_clock::time_point until, std::size_t enough = SIZE_MAX) {
    int running = 0;
    while (done_ < enough && steady_clock::now() < until) {
      std::array<epoll_event, 64> events;
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), wait_ms());
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const int mask = ((event.events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                         ((event.events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                         ((event.events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(multi_.get(), event.data.fd, mask, &running);
      }
      if (steady_clock::now() >= due_) {
        due_ = steady_clock::time_point::max();
        curl_multi_socket_action(multi_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
      }
      begin_ended_again();
    }
  }

  [[nodiscard]] std::size_t done() const { return done_; }
  [[nodiscard]] std::size_t failed() const { return failed_; }

 private:
  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void* known) {
    auto& loop = *static_cast<CurlLoop*>(self);
    if (what == CURL_POLL_REMOVE) {
      epoll_ctl(loop.epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
      return 0;
    }
    epoll_event event{};
    event.events = ((what & CURL_POLL_IN) != 0 ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                   ((what & CURL_POLL_OUT) != 0 ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
    event.data.fd = fd;
    epoll_ctl(loop.epoll_.get(), known != nullptr ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    curl_multi_assign(loop.multi_.get(), fd, self);
    return 0;
  }
  static int on_timer(CURLM*, long milliseconds, void* self) {
    static_cast<CurlLoop*>(self)->due_ =
        milliseconds < 0 ? steady_clock::time_point::max()
                         : steady_clock::now() + std::chrono::milliseconds(milliseconds);
    return 0;
  }

  [[nodiscard]] int wait_ms() const {
    if (due_ == steady_clock::time_point::max()) return 100;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due_ - steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 100));
  }

  void begin_ended_again() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      ++done_;
      if (message->data.result != CURLE_OK) ++failed_;
      CURL* easy = message->easy_handle;
      curl_multi_remove_handle(multi_.get(), easy);
      curl_multi_add_handle(multi_.get(), easy);
    }
  }

  std::unique_ptr<CURLM, FreeMulti> multi_;
  net::Fd epoll_;
  steady_clock::time_point due_ = steady_clock::time_point::max();
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
};

LoadFigures figures_of(std::size_t done, SecondsOf wall, SecondsOf cpu) {
  const auto count = static_cast<double>(done);
  LoadFigures figures;
  figures.requests_per_second = count / wall.count();
  figures.cpu_us = cpu.count() * 1e6 / count;
  figures.resident_mb = resident_bytes() / 1e6;
  return figures;
}

class ThreadLoad {
 public:
  explicit ThreadLoad(const LoadCase& load) : load_(load) {
    curl_global_init(CURL_GLOBAL_ALL);
    threads_.reserve(load.in_flight);
  }
  ~ThreadLoad() {
    is_stopping_ = true;
    for (const pthread_t thread : threads_) pthread_join(thread, nullptr);
  }
  ThreadLoad(const ThreadLoad&) = delete;
  ThreadLoad& operator=(const ThreadLoad&) = delete;

  void start_thread() {
    // 10,000 stacks of the usual 8 MB would need 80 GB of address space.
    constexpr std::size_t kStack = 256 * 1024;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStack);
    pthread_t thread{};
    const int error = pthread_create(&thread, &attributes, &ThreadLoad::run, this);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
      throw std::runtime_error("no more threads than " + std::to_string(threads_.size()));
    }
    threads_.push_back(thread);
  }

  [[nodiscard]] std::size_t done() const { return done_; }
  [[nodiscard]] std::size_t failed() const { return failed_; }

 private:
  static void* run(void* self) {
    auto& shared = *static_cast<ThreadLoad*>(self);
    const Easy easy = make_easy(shared.load_, shared.headers_);
    while (!shared.is_stopping_) {
      if (curl_easy_perform(easy.get()) != CURLE_OK) ++shared.failed_;
      ++shared.done_;
    }
    return nullptr;
  }

  const LoadCase& load_;
  const Headers headers_ = make_headers();
  std::vector<pthread_t> threads_;
  std::atomic<std::size_t> done_{0};
  std::atomic<std::size_t> failed_{0};
  std::atomic<bool> is_stopping_{false};
};

}  // namespace

LoadFigures measure_curl_multi(const LoadCase& load) {
  const Headers headers = make_headers();
  std::vector<Easy> handles;
  CurlLoop loop;  // the handles outlive it
  for (std::size_t i = 0; i < load.in_flight; ++i) {
    handles.push_back(make_easy(load, headers));
    loop.add(handles.back().get());
  }
  loop.run(steady_clock::now() + kPatience, 3 * load.in_flight);
  if (loop.done() < 3 * load.in_flight) throw std::runtime_error("libcurl does not get warm");

  const auto begin = steady_clock::now();
  const SecondsOf cpu = process_cpu();
  const std::size_t done = loop.done();
  loop.run(begin + std::chrono::duration_cast<std::chrono::nanoseconds>(load.duration));
  if (loop.failed() > 0) throw std::runtime_error("requests of libcurl failed");
  return figures_of(loop.done() - done, steady_clock::now() - begin, process_cpu() - cpu);
}

LoadFigures measure_threads(const LoadCase& load) {
  ThreadLoad threads(load);
  for (std::size_t i = 0; i < load.in_flight; ++i) threads.start_thread();
  const auto until = steady_clock::now() + kPatience;
  while (threads.done() < 3 * load.in_flight) {
    if (steady_clock::now() > until) throw std::runtime_error("the threads do not get warm");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }

  const auto begin = steady_clock::now();
  const SecondsOf cpu = process_cpu();
  const std::size_t done = threads.done();
  std::this_thread::sleep_for(load.duration);
  if (threads.failed() > 0) throw std::runtime_error("requests of threads failed");
  return figures_of(threads.done() - done, steady_clock::now() - begin, process_cpu() - cpu);
}

}  // namespace patient_http::bench
