#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/backend/server.h"
#include "gateway/config/config.h"
#include "gateway/http/client_places.h"
#include "gateway/io/memory.h"
#include "gateway/io/stream.h"
#include "gateway/io/timers.h"
#include "gateway/plugin/auth.h"
#include "gateway/session/ending.h"
#include "gateway/session/session_slot.h"

namespace upgate::session {

class Session;

// Host, path and Origin of a session's handshake, as the client sent them (not trustworthy). Stored
// in one string to save memory, because there can be very many sessions.
class Asked {
 public:
  Asked() = default;
  // `path` is without the query, which may hold secrets.
  Asked(std::string_view host, std::string_view path, std::string_view origin)
      : host_size_(static_cast<std::uint32_t>(host.size())),
        path_size_(static_cast<std::uint32_t>(path.size())),
        origin_size_(static_cast<std::uint32_t>(origin.size())) {
    text_.reserve(host.size() + path.size() + origin.size());
    text_.append(host).append(path).append(origin);
  }
  std::string_view host() const { return std::string_view(text_).substr(0, host_size_); }
  std::string_view path() const { return std::string_view(text_).substr(host_size_, path_size_); }
  std::string_view origin() const {
    return std::string_view(text_).substr(host_size_ + path_size_, origin_size_);
  }
  // The ids of its request; empty if there are none.
  std::string_view request_id() const {
    return std::string_view(text_).substr(host_size_ + path_size_ + origin_size_, id_size_);
  }
  std::string_view trace_id() const {
    return std::string_view(text_).substr(host_size_ + path_size_ + origin_size_ + id_size_);
  }
  // Called once.
  void SetIds(std::string_view request_id, std::string_view trace_id) {
    id_size_ = static_cast<std::uint16_t>(request_id.size());
    text_.append(request_id).append(trace_id);
  }

 private:
  std::string text_;
  std::uint32_t host_size_ = 0;  // heads are much smaller than 4 GiB
  std::uint32_t path_size_ = 0;
  std::uint32_t origin_size_ = 0;
  std::uint16_t id_size_ = 0;
};

// What is known about a session when it opens, for its log lines and for operators.
struct Facts {
  std::uint64_t id = 0;
  SessionSlot slot;        // keeps `route` and `server` alive
  Ref<RefCounted> target;  // keeps a server alive that a resolver has found
  const config::Route* route = nullptr;
  const backend::Server* server = nullptr;  // nullptr: a service of the gateway itself
  backend::ServerUse use = {};              // the place on the server
  std::shared_ptr<const plugin::Identity> identity = {};  // nullptr: nobody
  std::string client;  // the client's address, as seen through trusted proxies
  Asked asked;
  std::string subprotocol;
  config::Dialect dialect = config::Dialect::kRfc6455;
  io::Instant opened{};
  std::int64_t opened_unix_s = 0;  // the same on the wall clock
  // When limits.max_age, or the end of its credential, closes it; zero: never.
  io::Instant expires{};
  http::ClientPlaces::Place place;  // released when the client's connection is closed

  std::string_view user() const {
    return identity ? std::string_view(identity->user) : std::string_view();
  }
};

// One upgraded client and its peer behind the gateway, from the 101 to the close. Owned by the
// SessionTable of its loop; on the loop's thread.
class Session : public io::Deletable, public io::MemoryHolder {
 public:
  class Owner {
   public:
    // Both connections have ended. Called once. The owner takes the session out of its table and
    // has the loop delete it: the session is still on the call stack.
    virtual void OnSessionDone(Session& session) = 0;

   protected:
    ~Owner() = default;
  };

  // Begins to relay. `early` is what the client sent after its handshake. Called once.
  virtual void Start(std::string early) = 0;
  // Starts the closing handshake from the gateway's side. `reason` is UTF-8, and is
  // truncated to 123 bytes.
  virtual void End(std::uint16_t code, std::string_view reason) = 0;
  // Aborts both connections; OnSessionDone is not called. The owner then has the loop delete the
  // session.
  virtual void Abort() = 0;
  // Known once the session is done.
  virtual const Ending& ending() const = 0;
  virtual const Totals& totals() const = 0;
  // Computed on each call; not for the per-message path.
  virtual Vitals vitals() const = 0;

  const Facts& facts() const { return facts_; }
  void SetExpiry(io::Instant at) { facts_.expires = at; }

  // For the owner, when the session has ended and waits for its deletion: leaves the memory ledger.
  void LeaveLedger() { Leave(); }

  // io::MemoryHolder; derived classes implement held_bytes and HoldBack.
  io::MemoryRefusal Refuse() final;
  void AbortEvicted() final;

 protected:
  Session(Facts facts, io::MemoryLedger& ledger, Owner& owner)
      : MemoryHolder(ledger), owner_(owner), facts_(std::move(facts)) {}
  // Drops input that has not been passed on yet, and all later input.
  virtual void DropInput() {}
  Owner& owner_;

 private:
  Facts facts_;
};

}  // namespace upgate::session
