#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "gateway/io/network.h"
#include "gateway/plugin/auth.h"

namespace upgate::upgrade {

// Asks again, for the sessions of one loop whose authenticators want it, whether their clients may
// stay: every interval, up to a tenth earlier, so that sessions that were opened together do not
// ask together. On the loop's thread.
class Rechecks {
 public:
  // A client may not stay. The session may end, and be removed, inside the call.
  using End = std::function<void(std::uint64_t session, const plugin::AuthAnswer& answer)>;
  // A question got no answer; the session stays.
  using Failed = std::function<void(std::uint64_t session, const plugin::AuthAnswer& answer)>;

  Rechecks(io::Loop loop, End end, Failed failed);
  ~Rechecks();

  void Add(std::uint64_t session, std::shared_ptr<plugin::AuthRecheck> recheck);
  // When the session has ended; does nothing for one that was not added. Before what the recheck
  // uses is destroyed.
  void Remove(std::uint64_t session);
  std::size_t size() const { return sessions_.size(); }

 private:
  class One;

  io::Loop loop_;
  const End end_;
  const Failed failed_;
  std::unordered_map<std::uint64_t, std::unique_ptr<One>> sessions_;
};

}  // namespace upgate::upgrade
