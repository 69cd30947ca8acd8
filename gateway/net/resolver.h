#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "gateway/io/network.h"
#include "gateway/net/loop.h"
#include "gateway/net/name_cache.h"

namespace upgate::net {

// Names to addresses through the system's resolver (getaddrinfo, on libuv's threads), with a cache
// of its own. Those who ask for the same name at the same time wait for one lookup. Belongs to one
// loop.
class Resolver {
 public:
  // More names than this at a time are refused: the system's resolver is slow, and names may come
  // from a peer.
  static constexpr std::size_t kLookups = 1'000;

  explicit Resolver(Loop& loop, NameCache::Options options = {});
  // What is pending hears nothing more, and may be destroyed later.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // See io::Network::Resolve.
  std::unique_ptr<io::Pending> Resolve(const std::string& host, io::ResolveHandler& handler);
  // Whether one is under way.
  bool busy() const { return !lookups_.empty(); }

 private:
  class Waiter;
  struct Lookup;

  Result<Lookup*> FindOrStart(const std::string& name);
  void AnswerLater(Waiter& waiter, NameAnswer answer);
  void Finish(Lookup& lookup, NameAnswer answer);

  Loop& loop_;
  NameCache cache_;
  std::unordered_map<std::string, Lookup*> lookups_;  // libuv owns what is under way
};

}  // namespace upgate::net
