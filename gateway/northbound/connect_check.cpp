#include "gateway/northbound/connect_check.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace sl::northbound {
namespace {

template <auto Free>
struct Deleter {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using Tls = std::unique_ptr<SSL, Deleter<SSL_free>>;
using Addresses = std::unique_ptr<addrinfo, Deleter<freeaddrinfo>>;

class Socket {
  public:
    explicit Socket(int fd) : fd_(fd) {}
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int fd() const noexcept { return fd_; }

  private:
    int fd_;
};

std::string openssl_reason() {
    const auto code = ERR_peek_last_error();
    ERR_clear_error();
    const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
    return text == nullptr ? "unknown TLS error" : text;
}

std::string date(const ASN1_TIME* time) {
    std::tm tm{};
    if (ASN1_TIME_to_tm(time, &tm) != 1) return "?";
    char text[32] = "";
    return std::string{text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm)};
}

std::string subject(X509* certificate) {
    char text[256] = "";
    X509_NAME_oneline(X509_get_subject_name(certificate), text, sizeof text);
    return text;
}

Certificate read_certificate(const std::string& file) {
    const Bio bio{BIO_new_file(file.c_str(), "r")};
    return Certificate{bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr};
}

int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
    return -1;  // never ask on the terminal
}

Key read_key(const std::string& file) {
    const Bio bio{BIO_new_file(file.c_str(), "r")};
    return Key{bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr) : nullptr};
}

std::string unreadable(const char* what, const std::string& file) {
    if (::access(file.c_str(), R_OK) == 0) return {};
    return std::string{what} + " " + file + " cannot be read: " + std::strerror(errno);
}

std::string validity(const char* what, const std::string& file, X509* certificate, site::WallTime now) {
    auto seconds = std::chrono::system_clock::to_time_t(now);
    const auto* from = X509_get0_notBefore(certificate);
    const auto* to = X509_get0_notAfter(certificate);
    std::tm tm{};
    gmtime_r(&seconds, &tm);
    char text[32] = "";
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
    if (X509_cmp_time(from, &seconds) > 0)
        return std::string{what} + " " + file + " is not valid before " + date(from) + "; the clock says " +
               text;
    if (X509_cmp_time(to, &seconds) < 0)
        return std::string{what} + " " + file + " expired on " + date(to) + "; the clock says " + text;
    return {};
}

std::string check_certificate(const char* what, const std::string& file, site::WallTime now) {
    if (auto problem = unreadable(what, file); !problem.empty()) return problem;
    const auto certificate = read_certificate(file);
    if (!certificate)
        return std::string{what} + " " + file + " is not a PEM certificate: " + openssl_reason();
    return validity(what, file, certificate.get(), now);
}

std::string check_key(const std::string& key_file, const std::string& cert_file) {
    if (auto problem = unreadable("the private key", key_file); !problem.empty()) return problem;
    const auto key = read_key(key_file);
    if (!key) return "the private key " + key_file + " is not an unencrypted PEM key: " + openssl_reason();
    const auto certificate = read_certificate(cert_file);
    if (certificate && X509_check_private_key(certificate.get(), key.get()) != 1) {
        ERR_clear_error();
        return "the private key " + key_file + " does not belong to the certificate " + cert_file;
    }
    return {};
}

bool wait_for(int fd, short events, std::chrono::milliseconds patience) {
    pollfd entry{fd, events, 0};
    return ::poll(&entry, 1, static_cast<int>(patience.count())) == 1;
}

// Connects; the reason in `problem` when it cannot.
int tcp_connect(const BrokerAddress& to, std::chrono::milliseconds patience, std::string& problem) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int rc = ::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &list);
    if (rc != 0) {
        problem = "the name " + to.host + " cannot be resolved: " + ::gai_strerror(rc);
        return -1;
    }
    const Addresses addresses{list};
    const int fd = ::socket(list->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        problem = std::string{"no socket: "} + std::strerror(errno);
        return -1;
    }
    int error = ::connect(fd, list->ai_addr, list->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS && !wait_for(fd, POLLOUT, patience)) error = ETIMEDOUT;
    socklen_t size = sizeof error;
    if (error == EINPROGRESS) ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return fd;
    ::close(fd);
    problem = to.host + ":" + to.port + " cannot be reached: " + std::strerror(error);
    return -1;
}

Context client_context(const ConnectOptions& options) {
    Context context{SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);  // judged afterwards, to name the reason
    if (options.ca_file.empty()) {
        SSL_CTX_set_default_verify_paths(context.get());
    } else {
        SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr);
    }
    if (!options.cert_file.empty())
        SSL_CTX_use_certificate_chain_file(context.get(), options.cert_file.c_str());
    if (!options.key_file.empty())
        SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM);
    return context;
}

// Drives one step of OpenSSL over the non-blocking socket; the SSL_ERROR_* it ended with.
template <typename Step>
int drive(SSL* tls, int fd, std::chrono::milliseconds patience, Step step) {
    for (int turns = 0; turns < 20; ++turns) {
        const int rc = step();
        const int error = rc > 0 ? SSL_ERROR_NONE : SSL_get_error(tls, rc);
        const bool wants_read = error == SSL_ERROR_WANT_READ;
        if (!wants_read && error != SSL_ERROR_WANT_WRITE) return error;
        if (!wait_for(fd, wants_read ? POLLIN : POLLOUT, patience)) return error;
    }
    return SSL_ERROR_SSL;
}

std::string judge_server(SSL* tls, const std::string& host) {
    const Certificate peer{SSL_get1_peer_certificate(tls)};
    const auto result = SSL_get_verify_result(tls);
    if (!peer || result == X509_V_OK) return {};
    std::string text = "the broker's certificate (" + subject(peer.get()) + ") is refused: ";
    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return text + "it is not for the name " + host;
    text += X509_verify_cert_error_string(result);
    if (result == X509_V_ERR_CERT_HAS_EXPIRED) text += " on " + date(X509_get0_notAfter(peer.get()));
    return text;
}

std::string tls_diagnosis(const ConnectOptions& options, const BrokerAddress& to, int fd,
                          std::chrono::milliseconds patience) {
    const auto context = client_context(options);
    const Tls tls{SSL_new(context.get())};
    auto* const parameters = SSL_get0_param(tls.get());
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, to.host.c_str()) != 1) {
        SSL_set1_host(tls.get(), to.host.c_str());
        SSL_set_tlsext_host_name(tls.get(), to.host.c_str());
    }
    ERR_clear_error();
    SSL_set_fd(tls.get(), fd);
    const int handshake = drive(tls.get(), fd, patience, [&] { return SSL_connect(tls.get()); });
    if (auto problem = judge_server(tls.get(), to.host); !problem.empty()) return problem;
    if (handshake == SSL_ERROR_WANT_READ) return "the broker does not answer the TLS handshake";
    if (handshake != SSL_ERROR_NONE) return "the TLS handshake failed: " + openssl_reason();
    // TLS 1.3 refuses a client certificate only after the handshake.
    char byte = 0;
    const auto moment = std::min(patience, std::chrono::milliseconds{300});
    const int after = drive(tls.get(), fd, moment, [&] { return SSL_read(tls.get(), &byte, 1); });
    if (after == SSL_ERROR_SSL) return "the broker refused our certificate: " + openssl_reason();
    return {};
}

}  // namespace

bool is_loopback(const std::string& host) {
    const bool numeric = host.find_first_not_of("0123456789.") == std::string::npos;
    return host == "localhost" || host == "::1" || (numeric && host.starts_with("127."));
}

std::optional<BrokerAddress> broker_address(const std::string& url) {
    BrokerAddress to;
    std::string rest;
    if (url.starts_with("mqtts://")) {
        to.tls = true;
        rest = url.substr(8);
    } else if (url.starts_with("mqtt://")) {
        rest = url.substr(7);
    }
    const auto bracket = rest.starts_with('[') ? rest.find(']') : std::string::npos;
    const auto colon = rest.find(':', bracket == std::string::npos ? 0 : bracket);
    to.host = bracket == std::string::npos ? rest.substr(0, colon) : rest.substr(1, bracket - 1);
    to.port = colon == std::string::npos ? (to.tls ? "8883" : "1883") : rest.substr(colon + 1);
    const bool digits = !to.port.empty() && to.port.size() <= 5 &&
                        to.port.find_first_not_of("0123456789") == std::string::npos;
    if (to.host.empty() || !digits || to.host.find_first_of("/@?# ") != std::string::npos)
        return std::nullopt;
    return to;
}

std::string preflight(const ConnectOptions& options, site::WallTime now) {
    const auto to = broker_address(options.url);
    if (!to)
        return "the broker's address \"" + options.url +
               "\" is neither mqtts://host:port nor mqtt://host:port";
    if (!options.password_file.empty()) {
        if (auto problem = unreadable("the password file", options.password_file); !problem.empty())
            return problem;
    }
    if (!to->tls) return {};
    std::string problem;
    if (!options.ca_file.empty()) problem = check_certificate("the CA file", options.ca_file, now);
    if (problem.empty() && !options.cert_file.empty())
        problem = check_certificate("the certificate", options.cert_file, now);
    if (problem.empty() && options.cert_file.empty() != options.key_file.empty())
        problem = "cert_file and key_file belong together; only one of them is given";
    if (problem.empty() && !options.key_file.empty())
        problem = check_key(options.key_file, options.cert_file);
    return problem;
}

std::string diagnose(const ConnectOptions& options, std::chrono::milliseconds patience) {
    const auto to = broker_address(options.url);
    if (!to) return "the broker's address is malformed";
    std::string problem;
    const Socket socket{tcp_connect(*to, patience, problem)};
    if (socket.fd() < 0) return problem;
    if (to->tls) problem = tls_diagnosis(options, *to, socket.fd(), patience);
    if (!problem.empty()) return problem;
    return to->host + ":" + to->port + " can be reached, but does not answer as an MQTT broker";
}

}  // namespace sl::northbound
