#include "gateway/http/proxy_fields.h"

#include <string>

#include <gtest/gtest.h>

namespace upgate::http {
namespace {

TEST(ProxyFields, AreRecognizedByFamily) {
  for (const char* name : {"X-Forwarded-For",
                           "X-Forwarded-Proto",
                           "X-Forwarded-Host",
                           "X-Forwarded-Port",
                           "X-Forwarded-Server",
                           "X-Forwarded-Prefix",
                           "X-Forwarded-Anything-New",
                           "X-Forwarded",
                           "Forwarded",
                           "X-Real-IP",
                           "X-SSL-Client-Verify",
                           "X-SSL-Client-Cert",
                           "X-SSL-Anything",
                           "SSL-Client-Verify",
                           "SSL-Client-S-DN",
                           "X-Client-Cert",
                           "X-Client-Certificate",
                           "X-Client-Cert-Chain",
                           "Client-Cert",
                           "Client-Cert-Chain",
                           "X-Original-URL",
                           "X-Original-Host",
                           "X-Original-For",
                           "X-Rewrite-URL"}) {
    EXPECT_TRUE(IsProxyField(name)) << name;
  }
}

TEST(ProxyFields, AreKnownInEverySpellingThatServersFold) {
  for (const char* name :
       {"x-forwarded-for", "X_FORWARDED_FOR", "X-Forwarded_For", "x.forwarded.for", "X~Real~IP",
        "X_Real-IP", "SSL_CLIENT_VERIFY", "client_cert", "X_Original_URL", "x!rewrite!url"}) {
    EXPECT_TRUE(IsProxyField(name)) << name;
  }
}

TEST(ProxyFields, AreNoOthers) {
  for (const char* name : {"",
                           "X",
                           "X-",
                           "X-Forward",
                           "X-ForwardedFor",
                           "XForwarded-For",
                           "X-Real-IP-2",
                           "X-Real",
                           "Forwarded-For",
                           "Forward",
                           "SSL",
                           "SSL-Server",
                           "X-SSL",
                           "X-Client",
                           "X-Client-Id",
                           "Client-Id",
                           "Cookie",
                           "Content-Type",
                           "Connection",
                           "Sec-WebSocket-Key",
                           "Sec-Fetch-Site",
                           "X-Requested-With",
                           "X-Origin",
                           "X-Rewrite",
                           "From",
                           "Cache-Control",
                           "X-Request-Id"}) {
    EXPECT_FALSE(IsProxyField(name)) << name;
  }
}

TEST(ProxyFields, FoldAsVariablesDo) {
  EXPECT_TRUE(EqualsAsVariable("Via", "via"));
  EXPECT_TRUE(EqualsAsVariable("X_FORWARDED-for", "x-forwarded-for"));
  EXPECT_FALSE(EqualsAsVariable("X_FORWARDED-for", "x-forwarded-fort"));
  EXPECT_FALSE(EqualsAsVariable("X_FORWARDED-fort", "x-forwarded-for"));
  EXPECT_FALSE(EqualsAsVariable("Xaforwarded-for", "x-forwarded-for"));
}

}  // namespace
}  // namespace upgate::http
