#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "gateway/base/log.h"
#include "gateway/base/ref.h"
#include "gateway/io/network.h"
#include "gateway/plugin/auth.h"
#include "gateway/upgrade/generation.h"

namespace upgate::upgrade {

// An authenticator on one loop. Held by the routes that use it; on its loop's thread.
class LoopAuth final : public RefCounted, private plugin::AuthHost {
 public:
  // Of the loop; what is borrowed outlives the authenticator.
  struct Place {
    io::Loop loop;
    tls::Scratch& scratch;
    Log& log;
    std::function<void(Task)> post;  // to this loop, from any thread
    std::size_t index;
  };
  LoopAuth(std::shared_ptr<const AuthRecord> record, Place place);
  ~LoopAuth() override;

  const std::string& name() const override { return record_->config->name; }
  const plugin::AuthCheck& check() const { return *record_->check; }
  std::unique_ptr<io::Deletable> Check(const plugin::AuthQuestion& question,
                                       plugin::AuthReply reply) {
    return instance_->Check(question, std::move(reply));
  }

 private:
  io::Loop loop() override { return place_.loop; }
  tls::Scratch& scratch() override { return place_.scratch; }
  Log& log() override { return place_.log; }
  std::size_t loop_index() const override { return place_.index; }
  void Post(Task task) override;

  const std::shared_ptr<const AuthRecord> record_;
  Place place_;
  const std::shared_ptr<const bool> alive_;  // for tasks; they hold it weakly
  std::unique_ptr<plugin::AuthInstance> instance_;
};

}  // namespace upgate::upgrade
