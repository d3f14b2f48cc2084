#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/connection_pool.h"
#include "engine/options_check.h"
#include "engine/prepared_request.h"
#include "support/test_certificate.h"

namespace patient_http::engine {

// One GET over the pool, to its end.
class Get final : public ConnectionPool::Waiter, public ExchangeListener {
 public:
  void on_connection(HttpConnection& opened) override { send(opened); }
  void on_dial_failed(DialPhase, const net::NetFailure& failure,
                      const std::string& last_peer) override {
    end("failed: " + failure.message + " at " + last_peer);
  }
  void on_sent() override { sent = true; }
  void on_response_head(int status, HttpHeaders, std::int64_t) override {
    result = std::to_string(status) + " ";
  }
  void on_body(std::string_view bytes) override { result.append(bytes); }
  void on_exchange_done() override { end(result); }
  void on_exchange_failed(ExchangeFailure failure) override {
    kind = failure.kind;
    end("failed: " + failure.message);
  }
  std::size_t may_read() override { return reads ? std::numeric_limits<std::size_t>::max() : 0; }

  void send(HttpConnection& on) {
    connection = &on;
    PreparedRequest request;
    request.origin = url->origin();
    request.target = url->target();
    request.headers = {{"host", "x"}};
    on.start(request, {}, *this);
  }

  std::optional<base::Url> url;
  HttpConnection* connection = nullptr;
  std::string result;
  std::optional<ErrorKind> kind;  // of a failure on a connection
  bool reads = true;
  bool sent = false;
  bool done = false;
  int ends = 0;
  std::function<void()> when_done;

 private:
  void end(std::string text) {
    result = std::move(text);
    done = true;
    ++ends;
    if (when_done) when_done();
  }
};

// A pool, and the loop that it lives on.
class ConnectionPoolFixture : public testing::Test {
 protected:
  void make_pool(ConnectionPoolOptions options) { pool_.emplace(loop_, resolver_, tls_, options); }

  void SetUp() override { make_pool({}); }

  bool turn_until(const std::function<bool()>& done) {
    const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done() && std::chrono::steady_clock::now() < latest) {
      loop_.turn(latest);
      pool_->collect();
    }
    return done();
  }
  // Takes a free connection or opens one.
  void start(Get& get, const std::string& url) {
    get.url = *base::Url::parse(url);
    loop_.update_now();
    if (HttpConnection* free = pool_->find_free(get.url->origin())) {
      get.send(*free);
    } else {
      pool_->connect(get.url->origin(), get);
    }
  }
  std::string fetch(const std::string& url) {
    Get get;
    start(get, url);
    EXPECT_TRUE(turn_until([&] { return get.done; }));
    return get.result;
  }
  // Several at once, none of which takes what is idle.
  void fetch_together(const std::string& url, std::size_t count) {
    std::vector<Get> gets(count);
    for (Get& get : gets) {
      get.url = *base::Url::parse(url);
      pool_->connect(get.url->origin(), get);
    }
    ASSERT_TRUE(turn_until([&] {
      return std::all_of(gets.begin(), gets.end(), [](const Get& get) { return get.done; });
    }));
  }

  ProcessorOptions processor_options_ = [] {
    ProcessorOptions options;
    options.ca_file = test::TestCertificate::get().ca_file;
    return options;
  }();
  net::EventLoop loop_;
  net::Resolver resolver_{loop_, ""};
  net::TlsContext tls_ = make_tls_context(processor_options_);
  std::optional<ConnectionPool> pool_;
};

}  // namespace patient_http::engine
