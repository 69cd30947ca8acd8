#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/log.h"
#include "gateway/config/field.h"
#include "gateway/http/message.h"
#include "gateway/io/network.h"
#include "gateway/plugin/reply.h"
#include "gateway/stats/stats.h"
#include "gateway/tls/context.h"

namespace upgate::plugin {

// An authenticator finds out who a client is, before anything behind the route is touched. Of those
// that a route lists, the first that finds its kind of credential in the request decides alone. The
// gateway then takes the credentials of all of them out of what goes on, as far as `Remove` says
// so, watches the time, counts and logs, and ends sessions when the credential ends.

// The longest credential; requests with a longer one get 401 without anybody being asked.
inline constexpr std::size_t kMaxCredential = 16 * 1024;

class AuthRecheck;

// Who a client is. Immutable; shared by the requests and sessions that it is found for.
struct Identity {
  std::string user;  // for logs, operators and servers; printable
  // What else is known; for `{claim.NAME}`.
  std::map<std::string, std::string, std::less<>> claims = {};
  // In milliseconds since 1970: a session lasts no longer. nullopt: for ever.
  std::optional<std::int64_t> ends_unix_ms = {};
  // Whom to ask again while a session is open; nullptr: nobody. On the loop that it was found on.
  std::shared_ptr<AuthRecheck> recheck = {};
};

// What an authenticator is asked. Everything is borrowed and valid during the call only; nothing of
// it can be trusted but `client` and `tls`.
struct AuthQuestion {
  std::string_view credential;  // what Find has found; a secret, which must not be logged
  std::string_view client;      // the client's address, without a port; empty where it has none
  std::string_view scheme;      // as the client sees it: http or https
  std::string_view host;        // that the client asked for: as it wrote it, with a port
  const http::Request& request;
  const io::TlsInfo* tls = nullptr;  // nullptr: without TLS
};

using AuthReason = stats::AuthOutcome;

struct AuthAnswer {
  std::shared_ptr<const Identity> identity;  // set if the client is let in
  AuthReason reason = AuthReason::kFailed;
  // For a client that is not let in. Its body is for the client: it tells nothing about why.
  http::Response response = {};
  std::string why = {};  // for the log; no credential in it
  // Fields for the server, which replace those of the client; also where empty.
  http::Headers to_server = {};
  // Of a client that is not let in, as far as it is known who that is; for the log.
  std::string user = {};
};

AuthAnswer Allowed(std::shared_ptr<const Identity> identity);
// 401 with this challenge, 403, 429 or 502, by the reason.
AuthAnswer Refused(AuthReason reason, std::string why, std::string_view challenge = {});

using AuthTarget = AnswerTarget<AuthAnswer>;
// From another thread an answer is brought to the loop by AuthHost::Post.
using AuthReply = ReplyOf<AuthAnswer>;

// Asks, for sessions that are open, whether their clients may stay. Made by an instance, and used
// as long as that lives. Sessions may share one.
class AuthRecheck {
 public:
  virtual ~AuthRecheck() = default;
  virtual io::Millis interval() const = 0;
  // As AuthInstance::Check. kFailed and kTimeout are no answers: the session stays, and the next
  // question comes after the interval. Any other answer without an identity ends the session.
  virtual std::unique_ptr<io::Deletable> Ask(AuthReply reply) = 0;
};

// One loop's part of an authenticator, for all routes that use it. Created, used and destroyed on
// its loop's thread, so it needs no lock.
class AuthInstance : public io::Deletable {
 public:
  // Checks the credential and answers by `reply`, now or later, within AuthCheck::timeout. What is
  // returned is the check that is under way; nullptr if there is nothing to cancel. The gateway
  // destroys it at the end of the turn in which the answer came, the client went away or the time
  // was up, and before the instance: whoever it waits for must then not be called by it any more.
  virtual std::unique_ptr<io::Deletable> Check(const AuthQuestion& question, AuthReply reply) = 0;
};

// What the gateway provides to one instance; outlives it.
class AuthHost {
 public:
  virtual io::Loop loop() = 0;
  virtual tls::Scratch& scratch() = 0;  // of the loop, for TLS streams
  virtual Log& log() = 0;               // thread-safe
  virtual std::size_t loop_index() const = 0;
  virtual const std::string& name() const = 0;  // of the authenticator, for the log
  // Runs `task` later on the loop's thread. May be called from any thread while the instance lives;
  // a task that has not run when it is gone is dropped.
  using Task = std::move_only_function<void()>;
  virtual void Post(Task task) = 0;

 protected:
  ~AuthHost() = default;
};

// An authenticator as configured, with its options validated. Shared by all loops: const,
// thread-safe. Destroyed on any thread, after its instances.
class AuthCheck {
 public:
  virtual ~AuthCheck() = default;
  virtual std::unique_ptr<AuthInstance> Start(AuthHost& host) const = 0;
  // The credential of this kind in a request, whether it is good or not; nullopt if there is none.
  virtual std::optional<std::string> Find(const http::Request& request,
                                          const io::TlsInfo* tls) const = 0;
  // Takes out of the request what must go no further, such as a token in the query.
  virtual void Remove(http::Request& /*request*/) const {}
  // The names of all fields that AuthAnswer::to_server may have. What clients send under them is
  // removed, on all routes.
  virtual std::vector<std::string> server_fields() const { return {}; }
  // The WWW-Authenticate of a 401 (RFC 9110, section 11.6.1); empty: none fits.
  virtual std::string Challenge() const { return {}; }
  virtual io::Millis timeout() const { return io::Millis{3'000}; }
  // For `upgate explain`. No secrets. Any thread; may be slow.
  virtual std::string Describe() const { return {}; }
  // For `upgate explain`: what an instance would answer at this time, where that needs nobody else
  // to be asked; nullopt where only an instance can tell. Any thread; may be slow.
  virtual std::optional<AuthAnswer> Preview(const AuthQuestion& /*question*/,
                                            std::int64_t /*unix_s*/) const {
    return std::nullopt;
  }
};

// Parameters for creating an authenticator. Borrowed. As long as a new configuration has it in the
// same words, it goes on with its instances.
struct AuthSetup {
  config::Field options;         // what stands behind its kind
  std::filesystem::path folder;  // of the configuration: the base of relative paths
};

// Creates an authenticator. If `options` has errors, the result is not used and may be nullptr.
using AuthFactory = std::function<std::unique_ptr<AuthCheck>(AuthSetup setup)>;

}  // namespace upgate::plugin
