#pragma once

#include <memory>
#include <vector>

#include "gateway/app/background.h"
#include "gateway/app/expiry_log.h"
#include "gateway/app/file_watch.h"
#include "gateway/base/log.h"
#include "gateway/config/error.h"
#include "gateway/io/timers.h"
#include "gateway/stats/stats.h"
#include "gateway/upgrade/generation.h"

namespace upgate::app {

// Reloads certificates. When files of a listener or backend have changed, they are read again and,
// if they are valid together, used for new handshakes; otherwise the old ones stay in use, the
// reason is logged, and every further check tries again. Also reports the expiry of certificates in
// the statistics and the log. On the thread of its timers.
class CertificateWatch {
 public:
  // Everything is borrowed and outlives the watch.
  CertificateWatch(io::Timers& timers, Background& background, stats::Registry& registry, Log& log);
  ~CertificateWatch();
  CertificateWatch(const CertificateWatch&) = delete;
  CertificateWatch& operator=(const CertificateWatch&) = delete;

  // Watches the files of this generation from now on. Changes since the files were read, or during
  // this call, are noticed by the first check.
  void Watch(const upgrade::Generation& generation);

 private:
  struct Target;   // a listener or backend
  struct Renewal;  // the result of reading its files again

  template <class Context, class Record, class Settings>
  static std::shared_ptr<Target> MakeTarget(std::shared_ptr<const Record> record,
                                            const Settings& settings);
  void Add(std::shared_ptr<Target> target, io::Millis interval);
  void OnChanged(const std::shared_ptr<Target>& target);
  // `states`: of the files, taken before they were read.
  void OnLoaded(Target& target, FileStates states, const Renewal& renewal);
  void Complain(Target& target, FileStates states, const std::vector<config::ConfigError>& errors);
  void Show();

  io::Timers& timers_;
  Background& background_;
  stats::Registry& registry_;
  Log& log_;
  ExpiryLog expiry_;
  // The only owner of the targets, except during a call.
  std::vector<std::shared_ptr<Target>> targets_;
};

}  // namespace upgate::app
