#include "gateway/app/certificate_watch.h"

#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "gateway/app/prepare.h"
#include "gateway/config/parse.h"
#include "gateway/tls/context.h"
#include "plugins/builtins.h"
#include "tests/support/capture_log.h"
#include "tests/support/fake_timers.h"
#include "tests/support/temp_folder.h"

namespace upgate::app {
namespace {

namespace fs = std::filesystem;

constexpr io::Millis kLook = std::chrono::seconds(30) + FileWatch::kSettle;

// Runs the work on the same thread, when the test says so.
class FakeBackground final : public Background {
 public:
  bool Run(Task work, Task done) override {
    if (!has_threads) return false;
    jobs_.emplace_back(std::move(work), std::move(done));
    return true;
  }
  void Work() {
    while (!jobs_.empty()) {
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      job.first();
      job.second();
    }
  }
  std::size_t waiting() const { return jobs_.size(); }
  bool has_threads = true;

 private:
  std::deque<std::pair<Task, Task>> jobs_;
};

class CertificateWatchTest : public testing::Test {
 protected:
  // A generation with a listener whose certificate is for `name`, and its watch.
  void Serve(const std::string& name, const std::string& more = "") {
    Write("site", name);
    ServeConfig(more + R"(
listeners: [ { address: "127.0.0.1:0", tls: { certificates: [ { cert: site.crt, key: site.key } ] } } ]
routes: [ { path: /, plugin: echo } ]
)");
  }
  void ServeConfig(const std::string& yaml) {
    const auto config = config::Parse(yaml, folder_.At("upgate.yaml"),
                                      [](const char*) -> const char* { return nullptr; });
    ASSERT_TRUE(config) << config.error().front().message;
    plugin::Registry plugins;
    plugins::RegisterBuiltins(plugins);
    const Serving serving{registry_, {}, nullptr};
    const Prepared prepared = Prepare(*config, plugins, &serving);
    ASSERT_TRUE(prepared) << prepared.error().front().message;
    generation_ = *prepared;
    watch_->Watch(*generation_);
  }
  tls::SelfSigned Write(const std::string& file, const std::string& name) {
    tls::SelfSigned made = tls::MakeSelfSigned({name});
    folder_.Write(file + ".crt", made.cert_pem, ++time_);
    folder_.Write(file + ".key", made.key_pem, ++time_);
    return made;
  }
  void Write(const std::string& file, const tls::SelfSigned& pair) {
    folder_.Write(file + ".crt", pair.cert_pem, ++time_);
    folder_.Write(file + ".key", pair.key_pem, ++time_);
  }
  // The time until changed files are noticed and read again.
  void Look() {
    timers_.Advance(kLook);
    background_.Work();
  }
  tls::LoadedFiles Served() const { return generation_->listeners[0]->tls->Get()->files(); }
  std::string ServedName() const { return Served().certificates.at(0).names.at(0); }
  nlohmann::json Stats() const { return nlohmann::json::parse(registry_.Json())["certificates"]; }
  std::size_t Warnings() const { return log_.Count("certificate not taken"); }
  std::size_t Renewals() const { return log_.Count("certificate renewed"); }

  test::TempFolder folder_;
  test::FakeTimers timers_;
  test::CaptureLog log_;
  FakeBackground background_;
  stats::Registry registry_{{}, 1};
  std::shared_ptr<const upgrade::Generation> generation_;
  std::unique_ptr<CertificateWatch> watch_ =
      std::make_unique<CertificateWatch>(timers_, background_, registry_, log_);
  std::int64_t time_ = 1'600'000'000;
};

TEST_F(CertificateWatchTest, TakesARenewedPair) {
  Serve("a.example");
  const auto before = generation_->listeners[0]->tls->Get();
  Look();
  EXPECT_EQ(generation_->listeners[0]->tls->Get(), before) << "nothing has changed";
  Write("site", "b.example");
  Look();
  EXPECT_EQ(ServedName(), "b.example");
  ASSERT_EQ(Renewals(), 1u);
  const auto line = log_.Find("certificate renewed")[0];
  EXPECT_EQ(line.level, LogLevel::kInfo);
  EXPECT_EQ(line.fields.at("listener"), "127.0.0.1:0");
  EXPECT_EQ(line.fields.at("file"), folder_.At("site.crt"));
  EXPECT_EQ(line.fields.at("name"), "b.example");
  EXPECT_EQ(line.fields.at("not_after"), Stats()[0]["not_after"].get<std::string>());
  Look();
  EXPECT_EQ(Renewals(), 1u);
  EXPECT_EQ(Warnings(), 0u);
}

TEST_F(CertificateWatchTest, ReadsNothingOnTheLoop) {
  Serve("a.example");
  Write("site", "b.example");
  timers_.Advance(kLook);
  EXPECT_EQ(background_.waiting(), 1u);
  EXPECT_EQ(ServedName(), "a.example");
  background_.Work();
  EXPECT_EQ(ServedName(), "b.example");
}

// Kubernetes: the files of a secret are links through a link that is replaced.
TEST_F(CertificateWatchTest, SeesASwappedLinkToAFolder) {
  folder_.Folder("1");
  folder_.Folder("2");
  Write("1/site", "a.example");
  Write("2/site", "b.example");
  folder_.Link("..data", "1");
  for (const char* file : {"site.crt", "site.key"})
    folder_.Link(file, std::string("..data/") + file);
  ServeConfig(R"(
listeners: [ { address: "127.0.0.1:0", tls: { certificates: [ { cert: site.crt, key: site.key } ] } } ]
routes: [ { path: /, plugin: echo } ]
)");
  Look();
  EXPECT_EQ(ServedName(), "a.example");
  folder_.Link("..data_tmp", "2");
  fs::rename(folder_.At("..data_tmp"), folder_.At("..data"));
  Look();
  EXPECT_EQ(ServedName(), "b.example");
  EXPECT_EQ(Warnings(), 0u);
}

TEST_F(CertificateWatchTest, WaitsForTheCertificateOfAReplacedKey) {
  Serve("a.example");
  const tls::SelfSigned next = tls::MakeSelfSigned({"b.example"});
  folder_.Write("site.key", next.key_pem, ++time_);
  Look();
  EXPECT_EQ(ServedName(), "a.example");
  ASSERT_EQ(Warnings(), 1u);
  const auto line = log_.Find("certificate not taken")[0];
  EXPECT_EQ(line.level, LogLevel::kWarn);
  EXPECT_EQ(line.fields.at("listener"), "127.0.0.1:0");
  EXPECT_EQ(line.fields.at("file"), folder_.At("site.key"));
  EXPECT_NE(line.fields.at("reason").find("does not belong to"), std::string::npos);
  EXPECT_EQ(line.fields.at("more_errors"), "0");
  EXPECT_FALSE(log_.Mentions("PRIVATE"));
  folder_.Write("site.crt", next.cert_pem, ++time_);
  Look();
  EXPECT_EQ(ServedName(), "b.example");
  EXPECT_EQ(Warnings(), 1u);
}

TEST_F(CertificateWatchTest, WarnsOnceForEachChange) {
  Serve("a.example");
  const tls::SelfSigned whole = tls::MakeSelfSigned({"b.example"});
  folder_.Write("site.crt", whole.cert_pem.substr(0, 200), ++time_);
  for (int i = 0; i < 3; ++i) Look();
  EXPECT_EQ(Warnings(), 1u);
  folder_.Write("site.crt", whole.cert_pem.substr(0, 300), ++time_);
  for (int i = 0; i < 3; ++i) Look();
  EXPECT_EQ(Warnings(), 2u) << log_.Last("certificate not taken", "reason");
  fs::remove(folder_.At("site.crt"));
  for (int i = 0; i < 3; ++i) Look();
  EXPECT_EQ(Warnings(), 3u);
  EXPECT_NE(log_.Last("certificate not taken", "reason").find("No such file"), std::string::npos);
  EXPECT_EQ(ServedName(), "a.example");
  Write("site", whole);
  Look();
  EXPECT_EQ(ServedName(), "b.example");
  EXPECT_EQ(Warnings(), 3u);
}

// An error in reading a file may be temporary, such as a lack of descriptors.
TEST_F(CertificateWatchTest, TriesAgainWithoutAChange) {
  Serve("a.example");
  const tls::SelfSigned next = Write("site", "b.example");
  const FileState with_next = LookAt(folder_.At("site.crt"));
  timers_.Advance(kLook);
  fs::rename(folder_.At("site.crt"), folder_.At("gone"));
  background_.Work();
  fs::rename(folder_.At("gone"), folder_.At("site.crt"));
  EXPECT_EQ(ServedName(), "a.example");
  EXPECT_EQ(LookAt(folder_.At("site.crt")).inode, with_next.inode);
  Look();
  EXPECT_EQ(ServedName(), "b.example");
}

TEST_F(CertificateWatchTest, TriesAgainWhereTheSystemHasNoThread) {
  Serve("a.example");
  Write("site", "b.example");
  background_.has_threads = false;
  Look();
  EXPECT_EQ(ServedName(), "a.example");
  background_.has_threads = true;
  Look();
  EXPECT_EQ(ServedName(), "b.example");
}

TEST_F(CertificateWatchTest, FilesWithTheSameContentAreQuiet) {
  Serve("a.example");
  const auto before = generation_->listeners[0]->tls->Get();
  folder_.SetModified("site.crt", ++time_);
  timers_.Advance(kLook);
  EXPECT_EQ(background_.waiting(), 1u);
  background_.Work();
  EXPECT_EQ(generation_->listeners[0]->tls->Get(), before);
  EXPECT_EQ(Renewals(), 0u);
}

// Reading a pipe may block forever, or find nothing more.
TEST_F(CertificateWatchTest, AnythingButAFileIsNotOpened) {
  Serve("a.example");
  fs::remove(folder_.At("site.key"));
  folder_.Fifo("site.key");
  for (int i = 0; i < 3; ++i) {
    timers_.Advance(kLook);
    EXPECT_EQ(background_.waiting(), 0u);
  }
  EXPECT_EQ(Warnings(), 1u);
  EXPECT_EQ(log_.Last("certificate not taken", "file"), folder_.At("site.key"));
  EXPECT_EQ(log_.Last("certificate not taken", "reason"),
            folder_.At("site.key") + " is not a regular file");
}

TEST_F(CertificateWatchTest, ZeroIsNever) {
  Serve("a.example", "tls_watch: 0");
  Write("site", "b.example");
  timers_.Advance(std::chrono::days(1));
  EXPECT_EQ(background_.waiting(), 0u);
  EXPECT_EQ(Stats().size(), 1u) << "it is still shown";
}

TEST_F(CertificateWatchTest, WatchesClientAuthoritiesAndBackends) {
  Write("site", "a.example");
  Write("clients", "clients");
  Write("servers", "servers");
  Write("own", "own");
  ServeConfig(R"(
listeners:
  - address: "127.0.0.1:0"
    tls: { certificates: [ { cert: site.crt, key: site.key } ], client_auth: required, client_ca: clients.crt }
backends:
  app:
    servers: [ "wss://127.0.0.1:1" ]
    tls: { ca: servers.crt, certificate: { cert: own.crt, key: own.key } }
  plain: { servers: [ "ws://127.0.0.1:1" ] }
  system: { servers: [ "wss://127.0.0.1:1" ] }
routes:
  - { path: /, backend: app }
  - { path: /plain, backend: plain }
  - { path: /system, backend: system }
)");
  Look();
  const auto digest = [&] {
    return generation_->backends.find("app")->second->tls->Get()->files().digest;
  };
  ASSERT_EQ(Stats().size(), 2u);
  EXPECT_EQ(Stats()[1]["backend"], "app");
  EXPECT_EQ(Stats()[1]["names"][0], "own");

  const std::string listener_before = Served().digest;
  Write("clients", "other clients");
  Look();
  EXPECT_NE(Served().digest, listener_before);
  EXPECT_EQ(log_.Last("certificate chain or CA renewed", "listener"), "127.0.0.1:0");

  std::string before = digest();
  Write("servers", "other servers");
  Look();
  EXPECT_NE(digest(), before);
  EXPECT_EQ(log_.Last("certificate chain or CA renewed", "backend"), "app");
  EXPECT_EQ(Renewals(), 0u);

  before = digest();
  Write("own", "another own");
  Look();
  EXPECT_NE(digest(), before);
  EXPECT_EQ(log_.Last("certificate renewed", "backend"), "app");
  EXPECT_EQ(Stats()[1]["names"][0], "another own");
}

TEST_F(CertificateWatchTest, ShowsAndLogsWhenCertificatesExpire) {
  Serve("a.example");
  EXPECT_EQ(log_.Count("certificate expired"), 0u);
  const std::int64_t not_after = Served().certificates.at(0).not_after;
  EXPECT_NE(
      registry_.Prometheus().find("upgate_certificate_expiry_seconds{listener=\"127.0.0.1:0\","
                                  "file=\"" +
                                  folder_.At("site.crt") + "\"} " + std::to_string(not_after)),
      std::string::npos);
  timers_.SetUnixSeconds(not_after + 1);
  timers_.Advance(ExpiryLog::kInterval);
  EXPECT_EQ(log_.Count("certificate expired"), 1u);
}

// Results for a generation that no longer serves are dropped.
TEST_F(CertificateWatchTest, FollowsTheGeneration) {
  Serve("a.example");
  Write("site", "b.example");
  timers_.Advance(kLook);
  EXPECT_EQ(background_.waiting(), 1u);
  const auto old = generation_;
  Serve("c.example");
  background_.Work();
  EXPECT_EQ(old->listeners[0]->tls->Get()->files().certificates[0].names[0], "a.example");
  EXPECT_EQ(ServedName(), "c.example");
  Write("site", "d.example");
  Look();
  EXPECT_EQ(ServedName(), "d.example");
  EXPECT_EQ(Stats()[0]["names"][0], "d.example");
}

// For example, changes during a reload, after the files were read and before they are watched.
TEST_F(CertificateWatchTest, SeesWhatChangedBeforeItBegan) {
  Serve("a.example");
  Write("site", "b.example");
  watch_->Watch(*generation_);
  Look();
  EXPECT_EQ(ServedName(), "b.example");
}

TEST_F(CertificateWatchTest, MayGoWhileFilesAreRead) {
  Serve("a.example");
  Write("site", "b.example");
  timers_.Advance(kLook);
  watch_.reset();
  background_.Work();
  EXPECT_EQ(ServedName(), "a.example");
  EXPECT_EQ(timers_.armed(), 0u);
}

}  // namespace
}  // namespace upgate::app
