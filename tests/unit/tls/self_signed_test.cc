#include <ctime>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "gateway/tls/certificate.h"
#include "gateway/tls/context.h"

namespace upgate::tls {
namespace {

X509Ptr Parse(const std::string& pem) {
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

TEST(SelfSignedTest, IsForTheNamesAndAddressesGiven) {
  const X509Ptr certificate =
      Parse(MakeSelfSigned({"localhost", "127.0.0.1", "::1", "*.example.org"}).cert_pem);
  ASSERT_TRUE(certificate);
  EXPECT_THAT(NamesOf(*certificate),
              testing::ElementsAre("localhost", "127.0.0.1", "::1", "*.example.org"));
  EXPECT_THAT(NamesOf(*Parse(MakeSelfSigned({}).cert_pem)), testing::ElementsAre("localhost"));
}

TEST(SelfSignedTest, IsValidFromADayAgoForThirtyDays) {
  const X509Ptr certificate = Parse(MakeSelfSigned({"a"}).cert_pem);
  int days = 0;
  int seconds = 0;
  ASSERT_EQ(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate.get()),
                           X509_get0_notAfter(certificate.get())),
            1);
  EXPECT_EQ(days, 30);
  EXPECT_EQ(X509_cmp_time(X509_get0_notBefore(certificate.get()), nullptr), -1);
}

TEST(SelfSignedTest, LongNamesFit) {
  const std::string name(200, 'a');
  EXPECT_THAT(NamesOf(*Parse(MakeSelfSigned({name}).cert_pem)), testing::ElementsAre(name));
}

TEST(SelfSignedTest, NoTwoAreAlike) {
  EXPECT_NE(MakeSelfSigned({"a"}).key_pem, MakeSelfSigned({"a"}).key_pem);
}

TEST(LibraryVersionTest, NamesTheLibrary) {
  EXPECT_THAT(LibraryVersion(), testing::StartsWith("OpenSSL 3."));
}

}  // namespace
}  // namespace upgate::tls
