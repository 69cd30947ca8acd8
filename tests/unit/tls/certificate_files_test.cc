#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tls/session.h"

namespace upgate::tls::test {
namespace {

using config::ConfigError;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class CertificateFilesTest : public testing::Test {
 protected:
  std::vector<ConfigError> Errors(config::Certificate files) {
    const auto made = ServerContext::Make(ServerSpec{.certificates = {std::move(files)}}.tls());
    return made ? std::vector<ConfigError>() : made.error();
  }
  // The only error, which must be at `place`.
  std::string ErrorAt(const config::FilePath& place, const config::Certificate& files) {
    const std::vector<ConfigError> errors = Errors(files);
    if (errors.size() != 1) return "not one error";
    EXPECT_EQ(errors[0].key, place.key);
    EXPECT_EQ(errors[0].mark.line, place.mark.line);
    EXPECT_EQ(errors[0].mark.column, place.mark.column);
    return errors[0].message;
  }

  Folder folder_;
  Authority authority_;
  Pem pem_ = authority_.Issue({});
  config::Certificate good_ = folder_.Write(pem_);
};

TEST_F(CertificateFilesTest, GoodOnesAreTaken) {
  EXPECT_TRUE(Errors(good_).empty());
}

TEST_F(CertificateFilesTest, MissingFiles) {
  config::Certificate files = good_;
  files.cert.path = folder_.path("nowhere.crt");
  EXPECT_EQ(ErrorAt(files.cert, files),
            "cannot read " + files.cert.path + ": No such file or directory");
  files = good_;
  files.key.path = folder_.path("nowhere.key");
  EXPECT_EQ(ErrorAt(files.key, files),
            "cannot read " + files.key.path + ": No such file or directory");
}

TEST_F(CertificateFilesTest, AllErrorsAtOnce) {
  config::Certificate files = good_;
  files.cert.path = folder_.path("nowhere.crt");
  files.key.path = folder_.path("nowhere.key");
  const auto made = ServerContext::Make(ServerSpec{.certificates = {files, files},
                                                   .client_auth = config::ClientAuth::kRequired,
                                                   .client_ca = files.cert}
                                            .tls());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().size(), 5u);
}

TEST_F(CertificateFilesTest, AFolderIsNotAFile) {
  config::Certificate files = good_;
  files.cert.path = folder_.path("");
  EXPECT_THAT(ErrorAt(files.cert, files), HasSubstr("Is a directory"));
}

TEST_F(CertificateFilesTest, WithoutPem) {
  config::Certificate files = good_;
  files.cert = folder_.Write("hello\n");
  EXPECT_EQ(ErrorAt(files.cert, files), "no PEM certificate in " + files.cert.path);
  files.cert = folder_.Write("");
  EXPECT_EQ(ErrorAt(files.cert, files), "no PEM certificate in " + files.cert.path);
  files.cert = folder_.Write("\x30\x82\x01\x01");
  EXPECT_THAT(ErrorAt(files.cert, files), HasSubstr("DER"));
  files = good_;
  files.key = folder_.Write("hello\n");
  EXPECT_EQ(ErrorAt(files.key, files), "no PEM private key in " + files.key.path);
}

// The certificate may stand behind text of any length, as in bundles of CAs.
TEST_F(CertificateFilesTest, LongFilesAreReadWhole) {
  for (const std::size_t size : {16'384, 32'767, 32'768, 32'769, 1'000'000}) {
    config::Certificate files = good_;
    const std::string text(size - pem_.certificate.size() - 1, '#');
    files.cert = folder_.Write(text + "\n" + pem_.certificate);
    EXPECT_TRUE(Errors(files).empty()) << size;
  }
}

TEST_F(CertificateFilesTest, FilesFarTooLongAreRefused) {
  config::Certificate files = good_;
  files.cert = folder_.Write(std::string(4 * 1024 * 1024, '#'));
  EXPECT_EQ(ErrorAt(files.cert, files), files.cert.path + " is too large for a PEM file");
}

TEST_F(CertificateFilesTest, SwappedFilesAreSeen) {
  const auto errors = Errors({good_.key, good_.cert});
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_THAT(errors[0].message, HasSubstr("are cert and key swapped?"));
  EXPECT_THAT(errors[1].message, HasSubstr("are cert and key swapped?"));
}

TEST_F(CertificateFilesTest, DamagedCertificate) {
  config::Certificate files = good_;
  std::string text = pem_.certificate;
  text[text.size() / 2] = '*';
  files.cert = folder_.Write(text);
  EXPECT_THAT(ErrorAt(files.cert, files),
              StartsWith("certificate 1 in " + files.cert.path + " is damaged"));
  text = pem_.certificate + pem_.certificate.substr(0, 200);
  files.cert = folder_.Write(text);
  EXPECT_THAT(ErrorAt(files.cert, files),
              StartsWith("certificate 2 in " + files.cert.path + " is damaged"));
}

TEST_F(CertificateFilesTest, EncryptedKey) {
  config::Certificate files = good_;
  files.key = folder_.Write(Encrypted(pem_.key));
  EXPECT_THAT(ErrorAt(files.key, files),
              AllOf(HasSubstr("is encrypted"), HasSubstr("openssl pkey")));
}

TEST_F(CertificateFilesTest, KeyOfAnotherCertificate) {
  config::Certificate files = good_;
  files.key = folder_.Write(authority_.Issue({}).key, "certificates[0].key");
  EXPECT_THAT(ErrorAt(files.key, files),
              AllOf(HasSubstr(files.key.path), HasSubstr(files.cert.path),
                    HasSubstr("does not belong to")));
}

TEST_F(CertificateFilesTest, ChainInTheWrongOrder) {
  config::Certificate files = good_;
  files.cert = folder_.Write(authority_.pem() + pem_.certificate);
  EXPECT_THAT(ErrorAt(files.key, files), HasSubstr("belongs to certificate 2 in"));
}

TEST_F(CertificateFilesTest, ClientFilesAreCheckedToo) {
  config::FilePath nowhere{folder_.path("nowhere.pem"), {3, 4}, "backends.a.tls.ca"};
  const auto made = ClientContext::Make(
      ClientSpec{.ca = nowhere, .certificate = config::Certificate{nowhere, good_.key}}.tls());
  ASSERT_FALSE(made);
  ASSERT_EQ(made.error().size(), 2u);
  EXPECT_EQ(made.error()[0].key, "backends.a.tls.ca");
}

TEST_F(CertificateFilesTest, AChainIsSent) {
  config::Certificate files = good_;
  files.cert = folder_.Write(pem_.certificate + authority_.pem());
  const auto server = MakeServer({.certificates = {files}});
  RawSession session(*server);
  ASSERT_TRUE(session.client->established());
  EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(session.client->ssl())), 2);
}

}  // namespace
}  // namespace upgate::tls::test
