#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/prepared_request.h"
#include "engine/proxy_rules.h"
#include "engine/secret_registry.h"
#include "patient_http/error.h"
#include "patient_http/preprocessors.h"
#include "patient_http/request.h"
#include "patient_http/result.h"
#include "patient_http/secret_manager.h"

namespace patient_http::engine {

// Why a request cannot be sent.
struct UnpreparedRequest {
  ErrorKind kind = ErrorKind::kInvalidRequest;
  // Holds no value of a secret.
  std::string message;
};

// The secrets and preprocessors that a request names, as they were registered at one moment.
struct Ingredients {
  struct NamedSecret {
    std::string name;
    std::shared_ptr<const Secret> secret;  // owned by the registry too
  };
  struct NamedPreprocessor {
    std::string name;
    std::shared_ptr<const Preprocessor> preprocessor;  // owned by the registry too
  };

  // Whether preparing runs functions of the user, which may block.
  [[nodiscard]] bool has_user_code() const;

  std::vector<NamedSecret> secrets;              // each once
  std::vector<NamedPreprocessor> preprocessors;  // in order
};

inline constexpr const char* kIdempotencyKey = "idempotency-key";

// What a request is known by where it is sent.
struct HopIds {
  // Becomes x-request-id: the task's id, and "<id>/<n>" for its n-th hop.
  std::string request_id;
  // Becomes idempotency-key, unless the request has one; empty: none.
  std::string idempotency_key = {};
};

// What it takes to prepare a request on another thread: a copy of it, and its ingredients.
struct Preparation {
  Request request;
  HopIds ids;
  Ingredients ingredients;
};

// Told of the user's functions that are called while a request is prepared.
class UserCallListener {
 public:
  virtual ~UserCallListener() = default;
  // Asked before each call. False: the request is gone, preparing it ends.
  [[nodiscard]] virtual bool may_call() = 0;
  // `what` is `preprocessor "sign"` or `secret "api_key"`. Called also when the call threw.
  virtual void on_called(const std::string& what, std::chrono::steady_clock::duration duration) = 0;
};

// Turns a stored request into one that can be sent: fills in what is resolved late, and the
// headers that every request has.
//
// Thread safety: all methods may be called from any thread.
class RequestPreparer {
 public:
  // `proxies` null: there are none. They must outlive this object.
  explicit RequestPreparer(std::string user_agent, SecretManager secrets = {},
                           Preprocessors preprocessors = {}, const ProxyRules* proxies = nullptr)
      : user_agent_(std::move(user_agent)),
        secrets_(std::move(secrets)),
        preprocessors_(std::move(preprocessors)),
        proxies_(proxies) {}

  // Fails when a secret or a preprocessor is not registered. Never blocks.
  [[nodiscard]] Result<Ingredients, UnpreparedRequest> look_up(const Request& request) const;

  // Runs the user's functions if `ingredients`, which are those of `request`, have any; `calls` may
  // be null.
  [[nodiscard]] Result<PreparedRequest, UnpreparedRequest> prepare(
      const Request& request, HopIds ids, const Ingredients& ingredients,
      UserCallListener* calls = nullptr) const;

 private:
  // The proxy that forwards requests for `origin`, or null.
  [[nodiscard]] const Proxy* forwarder_of(const base::Origin& origin) const;
  void add_own_headers(const HttpHeaders& given, const std::string& userinfo, HopIds ids,
                       PreparedRequest& prepared) const;

  std::string user_agent_;
  SecretManager secrets_;
  Preprocessors preprocessors_;
  const ProxyRules* proxies_;
};

}  // namespace patient_http::engine
