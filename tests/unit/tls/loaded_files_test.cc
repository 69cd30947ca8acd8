#include "gateway/tls/loaded_files.h"

#include <ctime>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tls/session.h"

namespace upgate::tls::test::loaded_files_test {
namespace {

using testing::ElementsAre;

constexpr std::int64_t kDay = 24 * 60 * 60;

class LoadedFilesTest : public testing::Test {
 protected:
  Folder folder_;
  Authority authority_;
};

TEST_F(LoadedFilesTest, SayWhatAServerPresents) {
  const std::int64_t before = std::time(nullptr);
  const config::Certificate a =
      folder_.Write(authority_.Issue({.names = {"A.example", "127.0.0.1"}, .last_day = 90}));
  const config::Certificate b =
      folder_.Write(authority_.Issue({.names = {}, .common_name = "b", .last_day = -1}));
  const auto server = MakeServer({.certificates = {a, b}});
  const std::int64_t after = std::time(nullptr);
  const std::vector<LoadedCertificate>& loaded = server->files().certificates;
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_EQ(loaded[0].file, a.cert.path);
  EXPECT_THAT(loaded[0].names, ElementsAre("a.example", "127.0.0.1"));
  EXPECT_GE(loaded[0].not_after, before + 90 * kDay);
  EXPECT_LE(loaded[0].not_after, after + 90 * kDay);
  EXPECT_EQ(loaded[1].file, b.cert.path);
  EXPECT_THAT(loaded[1].names, ElementsAre("b"));
  EXPECT_LE(loaded[1].not_after, after - kDay);
  EXPECT_NE(loaded[0].digest, loaded[1].digest);
}

TEST_F(LoadedFilesTest, SayWhatAClientPresents) {
  const config::Certificate files = folder_.Write(authority_.Issue({.names = {"client.example"}}));
  const auto client = MakeClient({.ca = folder_.Write(authority_.pem()), .certificate = files});
  ASSERT_EQ(client->files().certificates.size(), 1u);
  EXPECT_EQ(client->files().certificates[0].file, files.cert.path);
  EXPECT_THAT(client->files().certificates[0].names, ElementsAre("client.example"));
  EXPECT_TRUE(MakeClient({})->files().certificates.empty());
}

TEST_F(LoadedFilesTest, HaveADigestOfTheirContents) {
  const Pem pem = authority_.Issue({});
  const Authority other("another authority");
  const auto digest = [&](const std::string& certificates, const std::string& authorities) {
    const config::Certificate files = folder_.Write({certificates, pem.key});
    return MakeServer({.certificates = {files},
                       .client_auth = config::ClientAuth::kOptional,
                       .client_ca = folder_.Write(authorities)})
        ->files()
        .digest;
  };
  const std::string same = digest(pem.certificate, authority_.pem());
  EXPECT_EQ(digest(pem.certificate, authority_.pem()), same) << "the files have other names";
  EXPECT_NE(digest(pem.certificate + authority_.pem(), authority_.pem()), same) << "the chain";
  EXPECT_NE(digest(pem.certificate, other.pem()), same) << "the authorities";
  EXPECT_EQ(digest(pem.certificate, authority_.pem() + other.pem()),
            digest(pem.certificate, other.pem() + authority_.pem()));
}

TEST_F(LoadedFilesTest, HaveADigestOfTheContentsOfAClient) {
  const Authority other("another authority");
  const config::Certificate a = folder_.Write(authority_.Issue({}));
  const config::Certificate b = folder_.Write(authority_.Issue({}));
  const config::FilePath ca = folder_.Write(authority_.pem());
  const auto digest = [](const config::FilePath& authorities, const config::Certificate& files) {
    return MakeClient({.ca = authorities, .certificate = files})->files().digest;
  };
  EXPECT_EQ(digest(ca, a), digest(ca, a));
  EXPECT_NE(digest(ca, a), digest(ca, b));
  EXPECT_NE(digest(ca, a), digest(folder_.Write(other.pem()), a));
}

}  // namespace
}  // namespace upgate::tls::test::loaded_files_test
