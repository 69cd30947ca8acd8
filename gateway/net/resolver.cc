#include "gateway/net/resolver.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/io/later.h"

namespace upgate::net {
namespace {

// RFC 1035, section 2.3.4, in text form.
constexpr std::size_t kLongestName = 253;

NameAnswer Answer(Result<std::vector<Ip>> result) {
  return std::make_shared<const Result<std::vector<Ip>>>(std::move(result));
}

std::unexpected<Error> Unresolved(const std::string& name, std::string_view reason) {
  return Fail(Errc::kResolve, fmt::format("resolve {}: {}", Printable(name), reason));
}

bool MayBeName(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName && name.find('\0') == std::string::npos;
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

struct Resolver::Lookup {
  io::LaterList waiters;
};

Resolver::Resolver(Loop& loop, std::string servers, NameCache::Options options)
    : loop_(loop), cache_(options), dns_(loop, std::move(servers)) {}

Resolver::~Resolver() = default;

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
  NameCache::Found found = cache_.Find(name, loop_.timers().Now());
  Lookup* const lookup = found.refresh ? FindOrStart(name) : nullptr;
  // What is in /etc/hosts is known at once.
  if (found.answer == nullptr && lookup == nullptr) found = cache_.Find(name, loop_.timers().Now());
  if (found.answer != nullptr) {
    AnswerLater(*waiter, found.answer);
  } else if (lookup != nullptr) {
    lookup->waiters.Append(*waiter);
  } else {
    AnswerLater(*waiter, Answer(Fail(Errc::kLimit, "too many names to resolve")));
  }
  return waiter;
}

// nullptr if it is over already, or there are too many.
Resolver::Lookup* Resolver::FindOrStart(const std::string& name) {
  if (const auto found = lookups_.find(name); found != lookups_.end()) return found->second.get();
  if (lookups_.size() >= kLookups) return nullptr;
  lookups_.emplace(name, std::make_unique<Lookup>());
  dns_.LookUp(name, [this, name](Result<std::vector<Ip>> addresses) {
    Finish(name, Answer(std::move(addresses)));
  });
  const auto started = lookups_.find(name);
  return started != lookups_.end() ? started->second.get() : nullptr;
}

void Resolver::AnswerLater(Waiter& waiter, NameAnswer answer) {
  waiter.set_answer(std::move(answer));
  loop_.RunLater(waiter);
}

void Resolver::Finish(const std::string& name, const NameAnswer& answer) {
  const std::unique_ptr<Lookup> lookup = std::move(lookups_.extract(name).mapped());
  cache_.Store(name, answer, loop_.timers().Now());
  while (io::Later* waiter = lookup->waiters.Take())
    AnswerLater(static_cast<Waiter&>(*waiter), answer);
}

}  // namespace upgate::net
