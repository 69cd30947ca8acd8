#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/base/srv_record.h"
#include "gateway/io/timers.h"
#include "gateway/net/loop.h"
#include "gateway/net/poller.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace upgate::net {

// Looks up the addresses of names without blocking and without threads, with c-ares: in /etc/hosts,
// then by DNS, with the servers, search domains and options of /etc/resolv.conf, which is read
// again after it has changed. Other sources of nsswitch.conf(5) are not asked. IPv6 and IPv4
// addresses come in the order of RFC 6724. No cache; see Resolver. Belongs to one loop.
class DnsClient final : private io::Timer::Owner {
 public:
  using Done = std::move_only_function<void(Result<std::vector<Ip>> addresses)>;

  // Enough to try; a name server could return thousands.
  static constexpr std::size_t kMostAddresses = 32;

  // `servers`: "127.0.0.1:5353,[::1]:53", in the place of those of /etc/resolv.conf; empty: those.
  DnsClient(Loop& loop, std::string servers);
  // Lookups under way are dropped: `done` is destroyed and not called.
  ~DnsClient();
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;

  // `name` is a host name without NUL. `done` may be called from inside, as for a name in
  // /etc/hosts. A list of addresses is never empty; errors have kResolve, or kLimit for a lack of
  // descriptors.
  void LookUp(const std::string& name, Done done);

  // The servers of a service by its SRV records (RFC 2782), in no particular order; at most
  // kMostAddresses. As above, but never from /etc/hosts.
  using ServiceDone = std::move_only_function<void(Result<std::vector<SrvRecord>> records)>;
  void LookUpService(const std::string& name, ServiceDone done);

 private:
  class Socket;
  struct Query;
  struct ServiceQuery;

  bool OpenChannel();
  void CloseChannel();
  void OnSocketState(int fd, bool readable, bool writable);
  void OnReady(int fd, std::uint32_t events);
  void OnTimer(io::Timer&) override;
  void ArmTimer();
  static void OnServiceAnswer(void* pointer, int status, int timeouts, unsigned char* answer,
                              int size);
  static void OnAnswer(void* pointer, int status, int timeouts, ares_addrinfo* info);

  Loop& loop_;
  const std::string servers_;
  ares_channeldata* channel_ = nullptr;  // nullptr before the first lookup
  std::int64_t configured_ns_ = 0;       // modification time of the resolv.conf that was read
  io::Instant checked_at_{};
  std::size_t queries_ = 0;  // under way
  bool closing_ = false;
  std::unordered_map<int, std::unique_ptr<Socket>> sockets_;
  io::Timer timer_;
};

}  // namespace upgate::net
