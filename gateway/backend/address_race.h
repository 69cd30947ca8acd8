#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/result.h"
#include "gateway/io/network.h"
#include "gateway/io/timers.h"

namespace upgate::backend {

// The order in which the addresses of a name are tried: families take turns, beginning with that of
// the first address; within a family the order stays (RFC 8305, section 4).
std::vector<Ip> InterleaveFamilies(const std::vector<Ip>& addresses);

// Connects to one of several addresses of a server: to the first at once, and to each further one
// kDelay after the one before it, or as soon as that has failed; the first connection is used and
// the other attempts are cancelled (RFC 8305, section 5). So an address that does not answer costs
// a quarter of a second and not the whole connect_timeout.
//
// Destroying it cancels all attempts. On its loop's thread.
class AddressRace final : public io::Pending, private io::Timer::Owner {
 public:
  static constexpr io::Millis kDelay{250};

  // `addresses` is not empty. The handler is called once, never from inside the constructor, and
  // may destroy this object; an error is that of the last attempt that failed.
  AddressRace(io::Loop loop, const std::vector<Ip>& addresses, std::uint16_t port,
              io::ConnectHandler& handler);
  ~AddressRace() override;

 private:
  struct Attempt;

  void OnTimer(io::Timer&) override { TryNext(); }
  void TryNext();
  void Won(std::unique_ptr<io::ByteStream> stream);
  void Failed(Attempt& attempt, const Error& error);

  io::Loop loop_;
  const std::vector<Ip> addresses_;
  const std::uint16_t port_;
  io::ConnectHandler& handler_;
  std::size_t next_ = 0;
  std::list<Attempt> attempts_;  // under way
  io::Timer timer_;
};

}  // namespace upgate::backend
