#include "gateway/net/dns_client.h"

// The functions that newer versions deprecate are those that older ones have.
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <netdb.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/io/later.h"
#include "gateway/net/socket.h"
#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// For one try with one server; doubled for each further round.
constexpr int kTryMs = 2'000;
constexpr int kTries = 3;
// Between two looks at whether resolv.conf has changed.
constexpr io::Millis kCheckInterval{1'000};
constexpr std::string_view kSrvRecord = "SRV records";
constexpr const char* kResolvConf = "/etc/resolv.conf";
// Sockets to name servers, and those by which addresses are put in order.
constexpr std::size_t kDescriptors = 3;

// The library's global state, for as long as the process lives.
bool InitializeLibrary() {
  static const bool ok = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
  return ok;
}

std::int64_t ConfiguredAt() {
  struct stat info{};
  if (::stat(kResolvConf, &info) != 0) return -1;
  return std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

std::vector<Ip> AddressesOf(const ares_addrinfo& info) {
  std::vector<Ip> addresses;
  for (const ares_addrinfo_node* node = info.nodes;
       node != nullptr && addresses.size() < DnsClient::kMostAddresses; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    RawAddress raw;
    std::memcpy(&raw.storage, node->ai_addr,
                std::min<std::size_t>(node->ai_addrlen, sizeof raw.storage));
    const Ip ip = IpPortOf(raw).ip;
    if (std::ranges::find(addresses, ip) == addresses.end()) addresses.push_back(ip);
  }
  return addresses;
}

std::string WhyNot(int status, std::string_view wanted) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_ENONAME:
      return fmt::format("name not known, or without {}", wanted);
    case ARES_ETIMEOUT:
      return "no answer from the name servers";
    case ARES_ECONNREFUSED:
      return "the name servers cannot be reached";
    default:
      return ares_strerror(status);
  }
}

std::vector<SrvRecord> RecordsOf(const ares_srv_reply* reply) {
  std::vector<SrvRecord> records;
  for (; reply != nullptr && records.size() < DnsClient::kMostAddresses; reply = reply->next)
    records.push_back({.target = reply->host,
                       .port = reply->port,
                       .priority = reply->priority,
                       .weight = reply->weight});
  return records;
}

std::unexpected<Error> Unresolved(const std::string& name, int status,
                                  std::string_view wanted = "an address") {
  if (auto lack = LackOfDescriptors(kDescriptors))
    return Fail(lack->code, fmt::format("resolve {}: {}", Printable(name), lack->message));
  return Fail(Errc::kResolve,
              fmt::format("resolve {}: {}", Printable(name), WhyNot(status, wanted)));
}

// "invalid" and everything below it does not exist (RFC 6761, section 6.4).
bool IsInvalid(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return EqualsIgnoreCase(name, "invalid") ||
         (name.size() > 8 && EqualsIgnoreCase(name.substr(name.size() - 8), ".invalid"));
}

}  // namespace

// A socket of the library, which closes it.
class DnsClient::Socket final : private Poller::Client {
 public:
  Socket(DnsClient& client, int fd) : client_(client), fd_(fd) {}
  ~Socket() {
    if (place_ != Poller::kNowhere) client_.loop_.poller().Remove(place_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void Watch(std::uint32_t events) {
    Poller& poller = client_.loop_.poller();
    if (place_ == Poller::kNowhere) {
      place_ = poller.Add(fd_, events, *this);
    } else {
      poller.Change(place_, fd_, events);
    }
  }

 private:
  void OnReady(std::uint32_t events) override { client_.OnReady(fd_, events); }

  DnsClient& client_;
  const int fd_;
  Poller::Place place_ = Poller::kNowhere;
};

// Owned by the library until its callback.
struct DnsClient::Query {
  DnsClient& client;
  std::string name;
  Done done;
};

struct DnsClient::ServiceQuery {
  DnsClient& client;
  std::string name;
  ServiceDone done;
};

DnsClient::DnsClient(Loop& loop, std::string servers)
    : loop_(loop), servers_(std::move(servers)), timer_(loop.timers(), *this) {}

DnsClient::~DnsClient() {
  CloseChannel();
}

bool DnsClient::OpenChannel() {
  const io::Instant now = loop_.timers().Now();
  const bool look = channel_ == nullptr || now - checked_at_ >= kCheckInterval;
  if (!look) return true;
  checked_at_ = now;
  const std::int64_t configured = ConfiguredAt();
  if (channel_ != nullptr && (configured == configured_ns_ || queries_ > 0)) return true;
  CloseChannel();
  if (!InitializeLibrary()) return false;
  ares_options options{};
  options.timeout = kTryMs;
  options.tries = kTries;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<DnsClient*>(self)->OnSocketState(fd, readable != 0, writable != 0);
  };
  options.sock_state_cb_data = this;
  const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&channel_, &options, mask) != ARES_SUCCESS) {
    channel_ = nullptr;
    return false;
  }
  if (!servers_.empty()) ares_set_servers_ports_csv(channel_, servers_.c_str());
  configured_ns_ = configured;
  return true;
}

void DnsClient::CloseChannel() {
  if (channel_ == nullptr) return;
  closing_ = true;
  ares_destroy(std::exchange(channel_, nullptr));
  closing_ = false;
  sockets_.clear();
  timer_.Disarm();
}

void DnsClient::LookUp(const std::string& name, Done done) {
  if (IsInvalid(name)) return done(Unresolved(name, ARES_ENOTFOUND));
  if (!OpenChannel()) return done(Unresolved(name, ARES_ENOTINITIALIZED));
  auto query = std::make_unique<Query>(*this, name, std::move(done));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ++queries_;
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, OnAnswer, query.release());
  ArmTimer();
}

void DnsClient::OnAnswer(void* pointer, int status, int, ares_addrinfo* info) {
  const std::unique_ptr<Query> query(static_cast<Query*>(pointer));
  const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned(info, ares_freeaddrinfo);
  DnsClient& self = query->client;
  --self.queries_;
  if (self.closing_) return;
  std::vector<Ip> addresses;
  if (status == ARES_SUCCESS && info != nullptr) addresses = AddressesOf(*info);
  if (addresses.empty())
    return query->done(Unresolved(query->name, status == ARES_SUCCESS ? ARES_ENODATA : status));
  query->done(std::move(addresses));
}

void DnsClient::LookUpService(const std::string& name, ServiceDone done) {
  if (IsInvalid(name)) return done(Unresolved(name, ARES_ENOTFOUND, kSrvRecord));
  if (!OpenChannel()) return done(Unresolved(name, ARES_ENOTINITIALIZED, kSrvRecord));
  auto query = std::make_unique<ServiceQuery>(*this, name, std::move(done));
  constexpr int kInternet = 1, kSrv = 33;
  ++queries_;
  ares_search(channel_, name.c_str(), kInternet, kSrv, OnServiceAnswer, query.release());
  ArmTimer();
}

void DnsClient::OnServiceAnswer(void* pointer, int status, int, unsigned char* answer, int size) {
  const std::unique_ptr<ServiceQuery> query(static_cast<ServiceQuery*>(pointer));
  DnsClient& self = query->client;
  --self.queries_;
  if (self.closing_) return;
  ares_srv_reply* reply = nullptr;
  if (status == ARES_SUCCESS) status = ares_parse_srv_reply(answer, size, &reply);
  const std::unique_ptr<ares_srv_reply, decltype(&ares_free_data)> owned(reply, ares_free_data);
  std::vector<SrvRecord> records = RecordsOf(reply);
  if (status != ARES_SUCCESS || records.empty())
    return query->done(
        Unresolved(query->name, status == ARES_SUCCESS ? ARES_ENODATA : status, kSrvRecord));
  query->done(std::move(records));
}

void DnsClient::OnSocketState(int fd, bool readable, bool writable) {
  if (!readable && !writable) {
    sockets_.erase(fd);  // the library closes it now
    return;
  }
  auto& socket = sockets_[fd];
  if (!socket) socket = std::make_unique<Socket>(*this, fd);
  socket->Watch((readable ? Poller::kReadable : 0) | (writable ? Poller::kWritable : 0));
}

// The library may close this socket, and so delete its watch, in here.
void DnsClient::OnReady(int fd, std::uint32_t events) {
  constexpr std::uint32_t kToRead =
      Poller::kReadable | Poller::kPeerEnd | Poller::kError | Poller::kHangUp;
  const bool writable = (events & Poller::kWritable) != 0;
  ares_process_fd(channel_, (events & kToRead) != 0 ? fd : ARES_SOCKET_BAD,
                  writable ? fd : ARES_SOCKET_BAD);
  ArmTimer();
}

void DnsClient::OnTimer(io::Timer&) {
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  ArmTimer();
}

void DnsClient::ArmTimer() {
  timeval wait{};
  if (channel_ == nullptr || ares_timeout(channel_, nullptr, &wait) == nullptr)
    return timer_.Disarm();
  timer_.Arm(io::Millis{wait.tv_sec * 1'000 + wait.tv_usec / 1'000 + 1});
}

}  // namespace upgate::net
