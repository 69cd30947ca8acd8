#include "gateway/net/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/io/later.h"
#include "gateway/net/socket.h"
#include "gateway/net/system_error.h"

namespace upgate::net {
namespace {

// RFC 1035, section 2.3.4, in text form.
constexpr std::size_t kLongestName = 253;

// Enough to try; a name server could return thousands.
constexpr std::size_t kMostAddresses = 32;

NameAnswer Answer(Result<std::vector<Ip>> result) {
  return std::make_shared<const Result<std::vector<Ip>>>(std::move(result));
}

std::unexpected<Error> Unresolved(const std::string& name, std::string_view reason) {
  return Fail(Errc::kResolve, fmt::format("resolve {}: {}", Printable(name), reason));
}

bool MayBeName(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName && name.find('\0') == std::string::npos;
}

std::vector<Ip> AddressesOf(const addrinfo* list) {
  std::vector<Ip> addresses;
  for (; list != nullptr && addresses.size() < kMostAddresses; list = list->ai_next) {
    if (list->ai_family != AF_INET && list->ai_family != AF_INET6) continue;
    RawAddress raw;
    std::memcpy(&raw.storage, list->ai_addr,
                std::min<std::size_t>(list->ai_addrlen, sizeof raw.storage));
    const Ip ip = IpPortOf(raw).ip;
    if (std::ranges::find(addresses, ip) == addresses.end()) addresses.push_back(ip);
  }
  return addresses;
}

// Descriptors that getaddrinfo needs at the same time: its files, and sockets to name servers.
constexpr std::size_t kDescriptorsOfLookup = 3;

std::string ReasonOf(int failure, int error_number) {
  return failure == EAI_SYSTEM ? SystemError(error_number).message : ::gai_strerror(failure);
}

// Blocking.
Result<std::vector<Ip>> LookUp(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failure = ::getaddrinfo(name.c_str(), nullptr, &hints, &list);
  const int error_number = errno;
  if (failure != 0) {
    if (auto lack = LackOfDescriptors(kDescriptorsOfLookup))
      return Fail(lack->code, fmt::format("resolve {}: {}", Printable(name), lack->message));
    return Unresolved(name, ReasonOf(failure, error_number));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, ::freeaddrinfo);
  auto addresses = AddressesOf(list);
  if (addresses.empty()) return Unresolved(name, ::gai_strerror(EAI_NONAME));
  return addresses;
}

}  // namespace

class Resolver::Waiter final : public io::Pending, public io::Later {
 public:
  explicit Waiter(io::ResolveHandler& handler) : handler_(handler) {}
  void set_answer(NameAnswer answer) { answer_ = std::move(answer); }

 private:
  void OnLater() override {
    // The handler may destroy this object.
    const NameAnswer answer = std::move(answer_);
    if (answer->has_value()) {
      handler_.OnResolved(**answer);
    } else {
      handler_.OnResolveFailed(answer->error());
    }
  }

  io::ResolveHandler& handler_;
  NameAnswer answer_;
};

// Owned by libuv while it runs; `resolver` is nullptr once the resolver is gone.
//
// The lookup calls getaddrinfo on a libuv thread instead of uv_getaddrinfo: when getaddrinfo runs
// out of descriptors, it reports that the name does not exist or that a server is unavailable.
// Whether descriptors are left must be checked at that moment.
struct Resolver::Lookup {
  uv_work_t request{};
  Resolver* resolver = nullptr;
  std::string name;
  io::LaterList waiters;
  NameAnswer answer;  // set on libuv's thread

  static void Run(uv_work_t* request) {
    auto& self = *static_cast<Lookup*>(request->data);
    self.answer = Answer(LookUp(self.name));
  }
  static void OnDone(uv_work_t* request, int) {
    const std::unique_ptr<Lookup> self(static_cast<Lookup*>(request->data));
    if (self->resolver != nullptr) self->resolver->Finish(*self, std::move(self->answer));
  }
};

Resolver::Resolver(Loop& loop, NameCache::Options options) : loop_(loop), cache_(options) {}

Resolver::~Resolver() {
  for (const auto& [name, lookup] : lookups_) {
    lookup->resolver = nullptr;
    // A running lookup cannot be cancelled; it ends by itself.
    uv_cancel(reinterpret_cast<uv_req_t*>(&lookup->request));
  }
}

std::unique_ptr<io::Pending> Resolver::Resolve(const std::string& host,
                                               io::ResolveHandler& handler) {
  auto waiter = std::make_unique<Waiter>(handler);
  if (const auto literal = Ip::Parse(host)) {
    AnswerLater(*waiter, Answer(std::vector{*literal}));
    return waiter;
  }
  if (!MayBeName(host)) {
    AnswerLater(*waiter, Answer(Unresolved(host, "not a host name")));
    return waiter;
  }
  const std::string name = ToLower(host);
  const NameCache::Found found = cache_.Find(name, loop_.timers().Now());
  const Result<Lookup*> lookup = found.refresh ? FindOrStart(name) : nullptr;
  if (found.answer != nullptr) {
    AnswerLater(*waiter, found.answer);
  } else if (lookup) {
    (*lookup)->waiters.Append(*waiter);
  } else {
    AnswerLater(*waiter, Answer(std::unexpected(lookup.error())));
  }
  return waiter;
}

Result<Resolver::Lookup*> Resolver::FindOrStart(const std::string& name) {
  if (const auto found = lookups_.find(name); found != lookups_.end()) return found->second;
  if (lookups_.size() >= kLookups) return Fail(Errc::kLimit, "too many names to resolve");
  auto lookup = std::make_unique<Lookup>();
  lookup->resolver = this;
  lookup->name = name;
  lookup->request.data = lookup.get();
  const int error = uv_queue_work(loop_.uv(), &lookup->request, Lookup::Run, Lookup::OnDone);
  if (error != 0) return Unresolved(name, uv_strerror(error));
  return lookups_[name] = lookup.release();
}

void Resolver::AnswerLater(Waiter& waiter, NameAnswer answer) {
  waiter.set_answer(std::move(answer));
  loop_.RunLater(waiter);
}

void Resolver::Finish(Lookup& lookup, NameAnswer answer) {
  lookups_.erase(lookup.name);
  cache_.Store(lookup.name, answer, loop_.timers().Now());
  while (io::Later* waiter = lookup.waiters.Take())
    AnswerLater(static_cast<Waiter&>(*waiter), answer);
}

}  // namespace upgate::net
