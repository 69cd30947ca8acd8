#include "gateway/backend/address_race.h"

#include <algorithm>
#include <utility>

namespace upgate::backend {

std::vector<Ip> InterleaveFamilies(const std::vector<Ip>& addresses) {
  std::vector<Ip> first;
  std::vector<Ip> second;
  for (const Ip& ip : addresses)
    (ip.is_v4() == addresses.front().is_v4() ? first : second).push_back(ip);
  std::vector<Ip> order;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) order.push_back(first[i]);
    if (i < second.size()) order.push_back(second[i]);
  }
  return order;
}

struct AddressRace::Attempt final : io::ConnectHandler {
  explicit Attempt(AddressRace& owner) : race(owner) {}
  void OnConnected(std::unique_ptr<io::ByteStream> stream) override { race.Won(std::move(stream)); }
  void OnConnectFailed(const Error& error) override { race.Failed(*this, error); }

  AddressRace& race;
  std::unique_ptr<io::Pending> pending;
};

AddressRace::AddressRace(io::Loop loop, const std::vector<Ip>& addresses, std::uint16_t port,
                         io::ConnectHandler& handler)
    : loop_(loop),
      addresses_(InterleaveFamilies(addresses)),
      port_(port),
      handler_(handler),
      timer_(loop.timers, *this) {
  TryNext();
}

AddressRace::~AddressRace() = default;

void AddressRace::TryNext() {
  Attempt& attempt = attempts_.emplace_back(*this);
  attempt.pending = loop_.network.Connect(IpPort{addresses_[next_++], port_}, attempt);
  next_ < addresses_.size() ? timer_.Arm(kDelay) : timer_.Disarm();
}

void AddressRace::Won(std::unique_ptr<io::ByteStream> stream) {
  timer_.Disarm();
  attempts_.clear();
  handler_.OnConnected(std::move(stream));
}

void AddressRace::Failed(Attempt& attempt, const Error& error) {
  // It may be a part of the attempt. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const Error kept = error;
  std::erase_if(attempts_, [&](const Attempt& one) { return &one == &attempt; });
  if (next_ < addresses_.size()) return TryNext();
  if (attempts_.empty()) handler_.OnConnectFailed(kept);
}

}  // namespace upgate::backend
