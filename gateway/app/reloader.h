#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/admin/control.h"
#include "gateway/app/background.h"
#include "gateway/app/inherited_sockets.h"
#include "gateway/app/prepare.h"
#include "gateway/app/worker.h"
#include "gateway/base/log.h"
#include "gateway/net/loop.h"

namespace upgate::app {

// Reloads the configuration of a running gateway. A thread beside the loops reads and checks the
// file, prepares the generation and binds new sockets, so that no loop blocks. Then every worker
// prepares the generation, and when all have, every worker switches to it. The thread puts the
// statistics in order, logs what has changed, and destroys the generation before. An error before
// the switch leaves everything unchanged. Used on the main loop; its destructor waits for what the
// thread is doing, and discards what it has read.
class Reloader {
 public:
  // Called on the main loop: OnSwitch before the workers switch, OnSwitched when all have, or when
  // a reload was refused.
  class Owner {
   public:
    virtual void OnSwitch(const std::shared_ptr<const upgrade::Generation>& generation) = 0;
    virtual void OnSwitched(const admin::ReloadResult& result) = 0;
    // All workers serve the same configuration with other servers behind its names.
    virtual void OnNamesTaken() = 0;

   protected:
    ~Owner() = default;
  };
  // Everything is borrowed and outlives the reloader. `file` is the path of the configuration.
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

  // See admin::Control::Reload.
  using Done = std::function<void(const admin::ReloadResult&)>;
  void Request(const std::string& caller, Done done);
  // Serves the same configuration, without reading its file again, with these servers behind its
  // names. Not if a reload is under way, which looks the names up itself.
  void TakeNames(backend::ServersOfNames names);
  // Refuses all later requests.
  void Stop() { stopped_ = true; }

 private:
  // The result of the reading thread.
  struct Loaded {
    std::shared_ptr<const upgrade::Generation> generation;  // nullptr if there are errors
    std::vector<Worker::Sockets> sockets;                   // by worker
    std::vector<admin::Change> changes;
    std::vector<std::string> needs_restart;
    std::vector<config::ConfigError> errors;
  };

  struct Order {
    Done done;
    std::shared_ptr<const backend::ServersOfNames> names;  // nullptr: read the file
  };

  void StartNext();
  Loaded Load(std::shared_ptr<const backend::ServersOfNames> names) const;
  // On the background thread.
  void LogChanges(bool names) const;
  void BindNewListeners(Loaded& loaded) const;
  void OnLoaded(Loaded loaded);
  void OnAllPrepared();
  void SwitchAll();
  void OnAllSwitched();
  void OnTold();
  // For the generation in force, which is about to be replaced; see Worker::Switch.
  std::function<void()> DestroyWhenReleased();
  // Returns a callback for the workers. When every worker has called it, `then` is called on the
  // main loop.
  Worker::Done ForEachWorker(void (Reloader::*then)());
  void Refuse(std::vector<config::ConfigError> errors);
  void Finish(const admin::ReloadResult& result);

  const Setup setup_;
  std::shared_ptr<const upgrade::Generation> generation_;  // the serving one
  const std::shared_ptr<const config::Config> started_;    // what the process started with
  std::vector<std::shared_ptr<const upgrade::Generation>> replaced_;  // and still used by loops
  Owner& owner_;
  std::deque<Order> waiting_;  // the first one is being served while busy_
  bool busy_ = false;
  bool stopped_ = false;
  Loaded loaded_;  // from OnLoaded to OnAllSwitched
  admin::ReloadResult result_;
  std::size_t missing_ = 0;            // workers that have not completed the current step
  std::chrono::microseconds pause_{};  // the longest time for which a step held up a loop
  BackgroundThread background_;
};

}  // namespace upgate::app
