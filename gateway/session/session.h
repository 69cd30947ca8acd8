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
#include "gateway/session/ending.h"
#include "gateway/session/session_slot.h"

namespace upgate::session {

class Session;

// What a session's handshake asked for; all of it is the client's word. Kept in one piece, because
// there can be very many sessions.
class Asked {
 public:
  Asked() = default;
  // `path` is without the query, which may hold secrets.
  Asked(std::string_view host, std::string_view path, std::string_view origin)
      : host_size_(host.size()), path_size_(path.size()) {
    text_.reserve(host.size() + path.size() + origin.size());
    text_.append(host).append(path).append(origin);
  }
  std::string_view host() const { return std::string_view(text_).substr(0, host_size_); }
  std::string_view path() const { return std::string_view(text_).substr(host_size_, path_size_); }
  std::string_view origin() const {
    return std::string_view(text_).substr(host_size_ + path_size_);
  }

 private:
  std::string text_;
  std::size_t host_size_ = 0;
  std::size_t path_size_ = 0;
};

// What is known about a session when it opens; all that its log lines need.
struct Facts {
  std::uint64_t id = 0;
  SessionSlot slot;  // keeps the route and the server
  const config::Route* route = nullptr;
  const backend::Server* server = nullptr;  // nullptr: a service of the gateway itself
  std::string client;                       // as the client's address is seen
  Asked asked;
  std::string subprotocol;
  config::Dialect dialect = config::Dialect::kRfc6455;
  io::Instant opened{};
  std::int64_t opened_unix_s = 0;  // the same by the wall clock
  io::Instant expires{};           // when it is closed for its age; zero: never
  http::ClientPlaces::Place
      place;  // given back when the session has closed the client's connection
};

// One upgraded client and the far end it talks to, from the 101 to the close.
class Session : public io::Deletable, public io::MemoryHolder {
 public:
  class Owner {
   public:
    // Both ends are through. Once; take it out of the table and let the loop delete it.
    virtual void OnSessionDone(Session& session) = 0;

   protected:
    ~Owner() = default;
  };

  // Begins to relay; `early` is what the client sent behind its handshake.
  virtual void Start(std::string early) = 0;
  // Starts the closing handshake from our side, for a gateway that stops.
  virtual void End(std::uint16_t code, std::string_view reason) = 0;
  // Lets go of both ends at once; OnSessionDone is not called. Destroy the session right after, by
  // the loop.
  virtual void Abandon() = 0;
  // Known once the session is done.
  virtual const Ending& ending() const = 0;
  virtual const Totals& totals() const = 0;
  // For those who look at sessions now and then, not for every message.
  virtual Vitals vitals() const = 0;

  const Facts& facts() const { return facts_; }
  void SetExpiry(io::Instant at) { facts_.expires = at; }

  // For the owner: the session is over, and only waits for its destruction.
  void Retire() { Leave(); }

  // io::MemoryHolder; held_bytes and HoldBack are the sessions' own.
  io::MemoryRefusal Refuse() final;
  void CutOff() final;

 protected:
  Session(Facts facts, io::MemoryLedger& ledger, Owner& owner)
      : MemoryHolder(ledger), owner_(owner), facts_(std::move(facts)) {}
  // Lets go of what has come and is not passed on yet, and of what still comes.
  virtual void DropInput() {}
  Owner& owner_;

 private:
  Facts facts_;
};

}  // namespace upgate::session
