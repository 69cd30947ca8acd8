#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config/parsing.h"

namespace upgate::config {
namespace {

TEST(ListenersTest, AListenerNeedsAnAddress) {
  EXPECT_EQ(ErrorsOfListener("    backlog: 5"),
            "3:5: listeners[0].address: missing; needs host:port, \"[v6]:port\" or unix:/path\n");
  EXPECT_EQ(ErrorsOfListener("    address: :8080"),
            "3:14: listeners[0].address: ':8080' has no host; write 0.0.0.0:8080 for all "
            "addresses, or 127.0.0.1:8080 for this machine only\n");
}

TEST(ListenersTest, AListOfListenersIsNeeded) {
  constexpr std::string_view kRest = "routes: [ { path: /, plugin: echo } ]\n";
  const auto errors = [&](std::string_view listeners) {
    return ErrorsOf(std::string(listeners) + "\n" + std::string(kRest));
  };
  EXPECT_EQ(errors("listeners: [ ]"),
            "1:12: listeners: is an empty list; needs at least one listener\n");
  EXPECT_EQ(errors("listeners:"), "1:1: listeners: is empty; needs a list\n");
  EXPECT_EQ(errors("listeners: 0.0.0.0:80"),
            "1:12: listeners: is text; needs a list: write [ 0.0.0.0:80 ]\n");
  EXPECT_EQ(errors("listeners: { address: a:1 }"), "1:12: listeners: is a map; needs a list\n");
  EXPECT_EQ(
      errors("listeners: [ a:1 ]"),
      "1:14: listeners[0]: is text; needs a map with the keys address, name, tls, trusted_proxies, "
      "proxy_protocol, access, dialects, backlog, connections, connections_per_client, "
      "accept_rate, redirect_https, hsts\n");
}

TEST(ListenersTest, UnknownKeysAreRefused) {
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    adress: b:1"),
            "4:5: listeners[0].adress: unknown key; did you mean 'address'?\n");
}

TEST(ListenersTest, BacklogHasARange) {
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    backlog: 0"),
            "4:14: listeners[0].backlog: '0' is out of range; use 1 to 65535\n");
}

TEST(ListenersTest, ConnectionsHaveARangeAndNoDefaultLimit) {
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    connections: 0"),
            "4:18: listeners[0].connections: '0' is out of range; use 1 to 1000000000\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    connections: many"),
            "4:18: listeners[0].connections: 'many' is not a whole number\n");
  EXPECT_EQ(Listener{}.connections, 0u);
}

TEST(ListenersTest, ProxyHeadersAreBelievedFromTrustedProxiesOnly) {
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    proxy_protocol: required"),
            "4:21: listeners[0].proxy_protocol: needs trusted_proxies: a PROXY header is believed "
            "from these only; list the addresses of the proxies in front, such as trusted_proxies: "
            "[ 10.0.0.0/8 ]\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    proxy_protocol: required\n"
                             "    trusted_proxies: [ unix ]"),
            "");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    proxy_protocol: required\n"
                             "    trusted_proxies: [ lb ]"),
            "5:24: listeners[0].trusted_proxies[0]: 'lb' is not an address or block such as "
            "10.0.0.0/8 or ::1\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    proxy_protocol: off"), "");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    proxy_protocol: v2"),
            "4:21: listeners[0].proxy_protocol: 'v2' is not off or required\n");
}

TEST(ListenersTest, TrustedProxiesAreBlocks) {
  EXPECT_EQ(
      ErrorsOfListener("    address: a:1\n    trusted_proxies: [ 10.0.0.0/8, 10.0.0.0/99, lb ]"),
      "4:36: listeners[0].trusted_proxies[1]: '10.0.0.0/99' has a wrong number of bits after '/'; "
      "0 to 32 for IPv4, 0 "
      "to 128 for IPv6\n"
      "4:49: listeners[0].trusted_proxies[2]: 'lb' is not an address or block such as 10.0.0.0/8 "
      "or ::1\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    trusted_proxies: 10.0.0.0/8"),
            "4:22: listeners[0].trusted_proxies: is text; needs a list: write [ 10.0.0.0/8 ]\n");
}

TEST(ListenersTest, AccessIsListsOfBlocks) {
  constexpr std::string_view kAddress = "    address: a:1\n";
  const auto errors = [&](std::string_view access) {
    return ErrorsOfListener(std::string(kAddress) + "    access: " + std::string(access));
  };
  EXPECT_EQ(errors("{ allow: [ 10.0.0.0/8, unix ], deny: [ 10.1.2.3, \"2001:db8::/32\" ] }"), "");
  EXPECT_EQ(errors("{ deny: [ 10.1.2.3 ] }"), "");
  EXPECT_EQ(errors("{ allow: [ office ] }"),
            "4:24: listeners[0].access.allow[0]: 'office' is not an address or block such as "
            "10.0.0.0/8 or ::1\n");
  EXPECT_EQ(errors("{ allow: 10.0.0.0/8 }"),
            "4:22: listeners[0].access.allow: is text; needs a list: write [ 10.0.0.0/8 ]\n");
  EXPECT_EQ(errors("{ allow: [] }"),
            "4:22: listeners[0].access.allow: is an empty list, so nobody could come in; list the "
            "addresses that may\n");
  EXPECT_EQ(errors("{ deny: [] }"),
            "4:13: listeners[0].access: restricts nobody; list addresses or blocks, such as "
            "allow: [ 10.0.0.0/8 ] or deny: [ 192.0.2.7 ]\n");
  EXPECT_EQ(errors("{ allowed: [ 10.0.0.0/8 ] }"),
            "4:15: listeners[0].access.allowed: unknown key; did you mean 'allow'?\n");
}

TEST(ListenersTest, HttpsIsWhereRedirectsLead) {
  constexpr std::string_view kTls =
      "    address: a:1\n    tls: { certificates: [ { cert: a, key: b } ] }\n";
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    redirect_https: true"), "");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    redirect_https: 8443"), "");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    redirect_https: 0"),
            "4:21: listeners[0].redirect_https: '0' is out of range; use 1 to 65535\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    redirect_https: yes"),
            "4:21: listeners[0].redirect_https: 'yes' is not true or false; did you mean true?\n");
  EXPECT_EQ(ErrorsOfListener(std::string(kTls) + "    redirect_https: true"),
            "5:21: listeners[0].redirect_https: is for listeners without tls: requests to this one "
            "have come by https already\n");
  EXPECT_EQ(ErrorsOfListener(std::string(kTls) + "    hsts: 8760h"), "");
  EXPECT_EQ(
      ErrorsOfListener(std::string(kTls) + "    hsts: { preload: true }"),
      "5:11: listeners[0].hsts.max_age: missing; needs a duration such as 30s (ms, s, m or h)\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    hsts: 8760h"),
            "4:11: listeners[0].hsts: has no effect: it is for responses over TLS, which this "
            "listener has not, nor has it trusted_proxies that could\n");
}

TEST(ListenersTest, UnixSocketsAreTrustedByName) {
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    trusted_proxies: [ unix, 10.0.0.0/8 ]"), "");
  EXPECT_NE(ErrorsOfListener("    address: a:1\n    trusted_proxies: [ Unix ]"), "");
  EXPECT_FALSE(Listener{}.trusted_proxies.unix_sockets);
}

TEST(ListenersTest, TlsNeedsACertificateAndItsKey) {
  EXPECT_EQ(
      ErrorsOfListener("    address: a:1\n    tls: { }"),
      "4:10: listeners[0].tls.certificates: missing; needs a list with at least one certificate\n");
  EXPECT_EQ(
      ErrorsOfListener("    address: a:1\n    tls: { certificates: [ ] }"),
      "4:26: listeners[0].tls.certificates: is an empty list; needs at least one certificate\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    tls: { certificates: [ { cert: a.crt } ] }"),
            "4:28: listeners[0].tls.certificates[0].key: missing; needs the path of a file\n");
  EXPECT_EQ(
      ErrorsOfListener(
          "    address: a:1\n    tls: { certificates: [ { cert: '', key: \"a\\nb\", ca: x } ] }"),
      "4:36: listeners[0].tls.certificates[0].cert: '' is empty\n"
      "4:45: listeners[0].tls.certificates[0].key: 'a\\x0ab' has a control character in it\n"
      "4:53: listeners[0].tls.certificates[0].ca: unknown key; known here: cert, key\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    tls: true"),
            "4:10: listeners[0].tls: is text; needs a map with the keys certificates, min_version, "
            "client_auth, client_ca\n");
  EXPECT_EQ(ErrorsOfListener("    address: a:1\n    tls:"),
            "4:5: listeners[0].tls: is empty; needs a map with the keys certificates, min_version, "
            "client_auth, client_ca\n");
}

TEST(ListenersTest, TlsVersionsAreTwo) {
  constexpr std::string_view kTls =
      "    address: a:1\n    tls:\n      certificates: [ { cert: c, key: k } ]\n";
  const auto errors = [&](std::string_view lines) {
    return ErrorsOfListener(std::string(kTls) + std::string(lines));
  };
  EXPECT_EQ(errors("      min_version: 1.3"), "");
  EXPECT_EQ(errors("      min_version: \"1.2\""), "");
  EXPECT_EQ(errors("      min_version: TLSv1.1"),
            "6:20: listeners[0].tls.min_version: 'TLSv1.1' is not 1.2 or 1.3\n");
}

TEST(ListenersTest, ClientAuthAndClientCaBelongTogether) {
  constexpr std::string_view kTls =
      "    address: a:1\n    tls:\n      certificates: [ { cert: c, key: k } ]\n";
  const auto errors = [&](std::string_view lines) {
    return ErrorsOfListener(std::string(kTls) + std::string(lines));
  };
  EXPECT_EQ(errors("      client_auth: required\n      client_ca: ca.crt"), "");
  EXPECT_EQ(errors("      client_auth: required"),
            "5:7: listeners[0].tls.client_ca: missing; client_auth needs the CA certificates to "
            "verify clients with\n");
  constexpr std::string_view kNoEffect =
      "listeners[0].tls.client_ca: has no effect without client_auth; write client_auth: optional "
      "or required\n";
  EXPECT_EQ(errors("      client_ca: ca.crt"), "6:18: " + std::string(kNoEffect));
  EXPECT_EQ(errors("      client_auth: none\n      client_ca: ca.crt"),
            "7:18: " + std::string(kNoEffect));
  EXPECT_EQ(errors("      client_auth: require\n      client_ca: ca.crt"),
            "6:20: listeners[0].tls.client_auth: 'require' is not none, optional or required; did "
            "you mean 'required'?\n");
}

TEST(ListenersTest, AnAddressIsTakenOnce) {
  constexpr std::string_view kRest = "routes: [ { path: /, plugin: echo } ]\n";
  const auto errors = [&](std::string_view text) {
    return ErrorsOf(std::string(text) + std::string(kRest));
  };
  EXPECT_EQ(errors("listeners:\n  - address: LocalHost:80\n  - address: localhost:80\nadmin:\n  "
                   "address: localhost:80\n"),
            "3:14: listeners[1].address: the address localhost:80 is already used in line 2\n"
            "5:12: admin.address: the address localhost:80 is already used in line 2\n");
  EXPECT_EQ(errors("listeners:\n  - address: \"[::1]:80\"\n  - address: \"[0:0::1]:80\"\n"),
            "3:14: listeners[1].address: the address [::1]:80 is already used in line 2\n");
  EXPECT_EQ(errors("listeners:\n  - address: unix:/a\n  - address: unix:///a\n"),
            "3:14: listeners[1].address: the address unix:/a is already used in line 2\n");
  EXPECT_EQ(
      errors(
          "listeners:\n  - address: a:0\n  - address: a:0\n  - address: a:1\n  - address: a:2\n"),
      "");
}

}  // namespace
}  // namespace upgate::config
