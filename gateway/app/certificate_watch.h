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

// Keeps the certificates of a gateway up to date. When the files of a listener or backend have
// changed, they are read again, and used for new handshakes if they are valid together; if not, the
// old ones stay, the log says why, and every further look tries again. Also shows in the statistics
// and in the log when certificates expire. Lives on the loop of its timers.
class CertificateWatch {
 public:
  // Everything is borrowed and outlives it.
  CertificateWatch(io::Timers& timers, Background& background, stats::Registry& registry, Log& log);
  ~CertificateWatch();
  CertificateWatch(const CertificateWatch&) = delete;
  CertificateWatch& operator=(const CertificateWatch&) = delete;

  // The generation that serves from now on. What has changed since its files were read, or changes
  // while this is called, shows in the first look.
  void Watch(const upgrade::Generation& generation);

 private:
  struct Target;   // a listener or backend
  struct Renewal;  // its files, read again

  template <class Context, class Record, class Settings>
  static std::shared_ptr<Target> MakeTarget(std::shared_ptr<const Record> record,
                                            const Settings& settings);
  void Add(std::shared_ptr<Target> target, io::Millis interval);
  void OnChanged(const std::shared_ptr<Target>& target);
  // `states`: of the files, from before they were read.
  void OnLoaded(Target& target, FileStates states, const Renewal& renewal);
  void Complain(Target& target, FileStates states, const std::vector<config::ConfigError>& errors);
  void Show();

  io::Timers& timers_;
  Background& background_;
  stats::Registry& registry_;
  Log& log_;
  ExpiryLog expiry_;
  // Nobody else owns any, except for the time of a call.
  std::vector<std::shared_ptr<Target>> targets_;
};

}  // namespace upgate::app
