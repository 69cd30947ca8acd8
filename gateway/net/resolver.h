#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "gateway/io/network.h"
#include "gateway/net/loop.h"
#include "gateway/net/name_cache.h"

namespace upgate::net {

// Resolves names through the system's resolver (getaddrinfo, on libuv's thread pool), with its own
// cache. Concurrent requests for one name share a lookup. Belongs to one loop.
class Resolver {
 public:
  // Limit for concurrent lookups; more are refused: the system's resolver is slow, and names may
  // come from a peer.
  static constexpr std::size_t kLookups = 1'000;

  explicit Resolver(Loop& loop, NameCache::Options options = {});
  // Pending requests get no callback, and may be destroyed later.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // See io::Network::Resolve.
  std::unique_ptr<io::Pending> Resolve(const std::string& host, io::ResolveHandler& handler);
  // True while a lookup is in progress.
  bool busy() const { return !lookups_.empty(); }

 private:
  class Waiter;
  struct Lookup;

  Result<Lookup*> FindOrStart(const std::string& name);
  void AnswerLater(Waiter& waiter, NameAnswer answer);
  void Finish(Lookup& lookup, NameAnswer answer);

  Loop& loop_;
  NameCache cache_;
  std::unordered_map<std::string, Lookup*> lookups_;  // lookups in progress are owned by libuv
};

}  // namespace upgate::net
