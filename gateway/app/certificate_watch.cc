#include "gateway/app/certificate_watch.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "gateway/base/utc_time.h"
#include "gateway/tls/renew.h"

namespace upgate::app {
namespace {

using config::ConfigError;
using config::FilePath;
using stats::Certificate;

void AddFiles(const config::Certificate& certificate, std::vector<FilePath>& files) {
  files.push_back(certificate.cert);
  files.push_back(certificate.key);
}

std::vector<FilePath> FilesOf(const config::ListenerTls& tls) {
  std::vector<FilePath> files;
  for (const config::Certificate& certificate : tls.certificates) AddFiles(certificate, files);
  if (tls.client_ca && tls.client_auth != config::ClientAuth::kNone)
    files.push_back(*tls.client_ca);
  return files;
}

std::vector<FilePath> FilesOf(const config::ClientTls& tls) {
  std::vector<FilePath> files;
  if (tls.ca) files.push_back(*tls.ca);
  if (tls.certificate) AddFiles(*tls.certificate, files);
  return files;
}

// Errors for files that are not regular: a pipe, for example, cannot be read twice and might block
// forever.
std::vector<ConfigError> IrregularFiles(const std::vector<FilePath>& files,
                                        const FileStates& states) {
  std::vector<ConfigError> errors;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (states[i].error != 0 || states[i].regular) continue;
    errors.push_back({files[i].mark, files[i].key,
                      config::PathExcerpt(files[i].path) + " is not a regular file"});
  }
  return errors;
}

bool Contains(const tls::LoadedFiles& files, const tls::LoadedCertificate& certificate) {
  return std::ranges::any_of(files.certificates, [&](const tls::LoadedCertificate& one) {
    return one.file == certificate.file && one.digest == certificate.digest;
  });
}

}  // namespace

struct CertificateWatch::Renewal {
  std::vector<ConfigError> errors;
  tls::LoadedFiles files;
  std::function<void()> take;
};

struct CertificateWatch::Target {
  Certificate::Owner owner;
  std::string name;
  std::vector<FilePath> files;
  std::function<tls::LoadedFiles()> loaded;  // the files in use
  std::function<Renewal()> load;             // on any thread
  std::unique_ptr<FileWatch> watch;          // nullptr: nothing to watch
  // The last warning, which is not repeated while nothing changes.
  FileStates told_states;
  std::string told;
};

template <class Context, class Record, class Settings>
std::shared_ptr<CertificateWatch::Target> CertificateWatch::MakeTarget(
    std::shared_ptr<const Record> record, const Settings& settings) {
  auto target = std::make_shared<Target>();
  target->files = FilesOf(settings);
  const auto cell = record->tls;
  target->loaded = [cell] { return cell->Get()->files(); };
  // The record owns the settings.
  target->load = [record = std::move(record), cell, &settings] {
    auto context = Context::Make(settings);
    if (!context) return Renewal{std::move(context.error()), {}, {}};
    return Renewal{{}, (*context)->files(), [cell, made = *context] { tls::Renew(*cell, made); }};
  };
  return target;
}

CertificateWatch::CertificateWatch(io::Timers& timers, Background& background,
                                   stats::Registry& registry, Log& log)
    : timers_(timers),
      background_(background),
      registry_(registry),
      log_(log),
      expiry_(timers, log) {}

CertificateWatch::~CertificateWatch() = default;

void CertificateWatch::Watch(const upgrade::Generation& generation) {
  targets_.clear();
  const io::Millis interval = generation.config->tls_watch;
  for (const auto& listener : generation.listeners) {
    if (!listener->tls) continue;
    auto target = MakeTarget<tls::ServerContext>(listener, *listener->config->tls);
    target->owner = Certificate::Owner::kListener;
    target->name = listener->name;
    Add(std::move(target), interval);
  }
  if (generation.admin && generation.admin->tls) {
    auto target = MakeTarget<tls::ServerContext>(generation.admin, *generation.admin->config->tls);
    target->owner = Certificate::Owner::kListener;
    target->name = "admin";
    Add(std::move(target), interval);
  }
  for (const auto& [name, backend] : generation.backends) {
    if (!backend->tls) continue;
    auto target = MakeTarget<tls::ClientContext>(backend, backend->config->tls);
    target->owner = Certificate::Owner::kBackend;
    target->name = name;
    Add(std::move(target), interval);
  }
  Show();
}

void CertificateWatch::Add(std::shared_ptr<Target> target, io::Millis interval) {
  if (interval > io::Millis{0} && !target->files.empty()) {
    std::vector<std::string> paths;
    for (const FilePath& file : target->files) paths.push_back(file.path);
    target->watch = std::make_unique<FileWatch>(timers_, interval, std::move(paths),
                                                [this, target = std::weak_ptr(target)] {
                                                  if (const auto still_there = target.lock())
                                                    OnChanged(still_there);
                                                });
  }
  targets_.push_back(std::move(target));
}

void CertificateWatch::OnChanged(const std::shared_ptr<Target>& target) {
  FileStates states = target->watch->states();
  const auto irregular = IrregularFiles(target->files, states);
  if (!irregular.empty()) return Complain(*target, std::move(states), irregular);
  const auto renewal = std::make_shared<Renewal>();
  const bool begun = background_.Run(
      [load = target->load, renewal] { *renewal = load(); },
      [this, target = std::weak_ptr(target), renewal, states = std::move(states)]() mutable {
        // The target is gone if this object is, or if another generation is watched.
        if (const auto still_there = target.lock())
          OnLoaded(*still_there, std::move(states), *renewal);
      });
  if (!begun) target->watch->Forget();
}

void CertificateWatch::OnLoaded(Target& target, FileStates states, const Renewal& renewal) {
  if (!renewal.errors.empty()) return Complain(target, std::move(states), renewal.errors);
  target.told.clear();
  const tls::LoadedFiles before = target.loaded();
  if (renewal.files.digest == before.digest) return;
  renewal.take();
  Show();
  bool any = false;
  for (const tls::LoadedCertificate& certificate : renewal.files.certificates) {
    if (Contains(before, certificate)) continue;
    any = true;
    const std::string name = certificate.names.empty() ? "" : certificate.names.front();
    const std::string not_after = UtcTime(certificate.not_after);
    log_.Info("certificate renewed", {{KindOf(target.owner), target.name},
                                      {"file", certificate.file},
                                      {"name", name},
                                      {"not_after", not_after}});
  }
  if (!any) log_.Info("certificate chain or CA renewed", {{KindOf(target.owner), target.name}});
}

void CertificateWatch::Complain(Target& target, FileStates states,
                                const std::vector<ConfigError>& errors) {
  // Try again even if no file changes: the error may be temporary, such as a lack of descriptors.
  target.watch->Forget();
  const ConfigError& first = errors.front();
  if (target.told == first.message && target.told_states == states) return;
  target.told = first.message;
  target.told_states = std::move(states);
  const auto file = std::ranges::find(target.files, first.key, &FilePath::key);
  log_.Warn("certificate not taken", {{KindOf(target.owner), target.name},
                                      {"file", file != target.files.end() ? file->path : ""},
                                      {"reason", first.message},
                                      {"more_errors", std::uint64_t{errors.size() - 1}}});
}

void CertificateWatch::Show() {
  std::vector<Certificate> certificates;
  for (const auto& target : targets_) {
    const tls::LoadedFiles loaded = target->loaded();
    for (const tls::LoadedCertificate& one : loaded.certificates)
      certificates.push_back({target->owner, target->name, one.file, one.names, one.not_after});
  }
  registry_.SetCertificates(certificates);
  expiry_.Watch(std::move(certificates));
}

}  // namespace upgate::app
