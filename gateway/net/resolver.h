#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "gateway/io/network.h"
#include "gateway/net/dns_client.h"
#include "gateway/net/loop.h"
#include "gateway/net/name_cache.h"

namespace upgate::net {

// Resolves names with a DnsClient and a cache. Concurrent requests for one name share a lookup.
// Belongs to one loop.
class Resolver {
 public:
  // Limit for concurrent lookups; more are refused: names may come from a peer.
  static constexpr std::size_t kLookups = 1'000;

  // `servers`: see DnsClient.
  explicit Resolver(Loop& loop, std::string servers = {}, NameCache::Options options = {});
  // Pending requests get no callback, and may be destroyed later.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // See io::Network::Resolve.
  std::unique_ptr<io::Pending> Resolve(const std::string& host, io::ResolveHandler& handler);

 private:
  class Waiter;
  struct Lookup;

  Lookup* FindOrStart(const std::string& name);
  void AnswerLater(Waiter& waiter, NameAnswer answer);
  void Finish(const std::string& name, const NameAnswer& answer);

  Loop& loop_;
  NameCache cache_;
  std::unordered_map<std::string, std::unique_ptr<Lookup>> lookups_;  // in progress
  DnsClient dns_;                                                     // its lookups end first
};

}  // namespace upgate::net
