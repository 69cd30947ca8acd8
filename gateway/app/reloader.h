#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/admin/control.h"
#include "gateway/app/inherited_sockets.h"
#include "gateway/app/prepare.h"
#include "gateway/app/worker.h"
#include "gateway/base/log.h"
#include "gateway/net/loop.h"

namespace upgate::app {

// Brings a new configuration into a gateway that serves. Reading the file, checking it, making the
// generation and binding new sockets happens on a thread of its own, so that no loop waits for it;
// then every worker prepares the generation, and when all have, each switches to it. An error
// anywhere before that changes nothing at all. Lives on the main loop, but for that thread.
class Reloader {
 public:
  // What a reload gives to its owner when all is well, on the main loop: before the workers switch,
  // and when all have.
  class Owner {
   public:
    virtual void OnSwitch(const std::shared_ptr<const upgrade::Generation>& generation) = 0;
    virtual void OnSwitched(const admin::ReloadResult& result) = 0;

   protected:
    ~Owner() = default;
  };
  // Everything is borrowed and outlives the reloader. `file` is the configuration's.
  struct Setup {
    std::string file;
    const plugin::Registry& plugins;
    stats::Registry& registry;
    std::weak_ptr<const Loops> loops;
    std::vector<std::unique_ptr<Worker>>& workers;
    const InheritedSockets& inherited;
    net::Loop& main;
    Log& log;
  };

  Reloader(Setup setup, std::shared_ptr<const upgrade::Generation> generation, Owner& owner);
  // Waits for a reload that is being read; what it read is dropped.
  ~Reloader();

  // As admin::Control::Reload.
  using Done = std::function<void(const admin::ReloadResult&)>;
  void Request(const std::string& caller, Done done);
  // Takes no more requests.
  void Stop() { stopped_ = true; }

 private:
  // What the thread makes.
  struct Loaded {
    std::shared_ptr<const upgrade::Generation> generation;  // nullptr: there are errors
    std::vector<Worker::Sockets> sockets;                   // by worker
    std::vector<config::ConfigError> errors;
  };

  void StartNext();
  Loaded Load() const;
  void BindNewListeners(Loaded& loaded) const;
  void OnLoaded(Loaded loaded);
  void OnAllPrepared();
  void OnAllSwitched();
  // Calls `then` on the main loop once it has been called by every worker.
  std::function<void()> ForEachWorker(void (Reloader::*then)());
  void Refuse(std::vector<config::ConfigError> errors);
  void Finish(const admin::ReloadResult& result);

  const Setup setup_;
  std::shared_ptr<const upgrade::Generation> generation_;  // that serves
  const std::shared_ptr<const config::Config> started_;    // that the process started with
  Owner& owner_;
  std::deque<Done> waiting_;  // the first one is being served while busy_
  bool busy_ = false;
  bool stopped_ = false;
  Loaded loaded_;  // from OnLoaded to OnAllSwitched
  admin::ReloadResult result_;
  std::size_t missing_ = 0;  // workers that have not done their step yet
  std::thread thread_;
};

}  // namespace upgate::app
