#include "tests/bench/load/handshake_run.h"

#include <limits>
#include <utility>

#include "tests/bench/load/client.h"
#include "tests/bench/wire/clock.h"
#include "tests/bench/wire/die.h"

namespace upgate::bench {

class HandshakeRun::Slot final : public ClientHandler {
 public:
  explicit Slot(HandshakeRun& run) : run_(run) { Start(); }

 private:
  void Start() {
    began_ = Now();
    client_ = std::make_unique<Client>(run_.loop_, run_.plan_.target,
                                       run_.plan_.SourceOf(run_.next_source_++), *this);
  }
  void OnOpen(Client& client) override {
    run_.measurement_.latency().Add(Now() - began_);
    client.SendClose();
  }
  void OnPayload(Client& /*client*/, Bytes /*piece*/) override { Die("payload that nobody sent"); }
  void OnEnd(Client& client, bool orderly) override {
    ++run_.rounds_;
    if (run_.measurement_.measuring()) {
      ++run_.measured_;
      run_.resumed_ += client.resumed() ? 1 : 0;
      run_.orderly_ += orderly ? 1 : 0;
    }
    run_.loop_.DeferDelete(std::move(client_));
    Start();
  }

  HandshakeRun& run_;
  std::uint64_t began_ = 0;
  std::unique_ptr<Client> client_;
};

HandshakeRun::HandshakeRun(Loop& loop, const Plan& plan)
    : loop_(loop), plan_(plan), measurement_(loop, plan) {}

HandshakeRun::~HandshakeRun() = default;

nlohmann::json HandshakeRun::Run() {
  for (std::size_t i = 0; i < plan_.connections; ++i)
    slots_.push_back(std::make_unique<Slot>(*this));
  measurement_.Run(rounds_);
  nlohmann::json report = measurement_.Report();
  const auto share = [&](std::uint64_t part) {
    return static_cast<double>(part) / static_cast<double>(measured_);
  };
  report["resumed"] = share(resumed_);
  report["orderly"] = share(orderly_);
  return report;
}

}  // namespace upgate::bench
