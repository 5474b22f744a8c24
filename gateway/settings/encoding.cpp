// Files as bytes: reading with a cap, UTF-8 against GB18030, SHA-256.
#include "gateway/settings/files.hpp"
#include "gateway/settings/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iconv.h>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace sl::settings {

struct Digest::Impl {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
};

Digest::Digest() : impl_(std::make_unique<Impl>()) {
    if (impl_->context == nullptr || EVP_DigestInit_ex(impl_->context, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("SHA-256 is not available");
}
Digest::~Digest() {
    EVP_MD_CTX_free(impl_->context);
}
void Digest::add(std::string_view bytes) {
    EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size());
}
std::string Digest::hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
    unsigned size = 0;
    EVP_DigestFinal_ex(impl_->context, sum.data(), &size);
    std::string out;
    for (unsigned i = 0; i < size; ++i)
        out += fmt::format("{:02x}", sum.at(i));
    return out;
}

std::optional<std::string> read_file(const std::string& path, std::size_t limit, std::string& why) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (status.type() != std::filesystem::file_type::regular) {
        why = status.type() == std::filesystem::file_type::not_found ? "does not exist" : "is not a file";
        return std::nullopt;
    }
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rbe"), &std::fclose};
    if (!file) {
        why = fmt::format("cannot be opened: {}", std::strerror(errno));
        return std::nullopt;
    }
    // One byte more than its size or the limit shows that it grew or is too large.
    const auto size = std::filesystem::file_size(path, error);
    std::string bytes((error ? limit : std::min<std::uintmax_t>(size, limit)) + 1, '\0');
    bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
    if (std::ferror(file.get()) != 0) {
        why = fmt::format("cannot be read: {}", std::strerror(errno));
    } else if (bytes.size() > limit) {
        why = fmt::format("is larger than {} KB", limit / 1024);
    } else {
        return bytes;
    }
    return std::nullopt;
}

std::size_t invalid_utf8(std::string_view bytes) {
    std::size_t offset = 0;
    while (offset < bytes.size()) {
        const auto lead = static_cast<unsigned char>(bytes[offset]);
        const std::size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        // One sequence that decodes to one code point, and not to the sign for a broken one unless it is it.
        const auto piece = bytes.substr(offset, length);
        const auto decoded = code_points(piece);
        if (decoded.size() != 1 || (decoded[0] == 0xFFFD && piece != "\xEF\xBF\xBD")) return offset;
        offset += length;
    }
    return std::string_view::npos;
}

namespace {

struct Iconv {
    iconv_t handle = iconv_open("UTF-8", "GB18030");
    Iconv() = default;
    Iconv(const Iconv&) = delete;
    Iconv& operator=(const Iconv&) = delete;
    ~Iconv() {
        if (usable()) iconv_close(handle);
    }
    bool usable() const { return handle != reinterpret_cast<iconv_t>(-1); }
};

// Converts; on failure `bad` is the offset of the first byte that does not decode.
std::optional<std::string> from_gb18030(std::string_view bytes, std::size_t& bad) {
    const Iconv converter;
    bad = 0;
    if (!converter.usable()) return std::nullopt;
    std::string input{bytes};
    std::string output(bytes.size() * 2 + 16, '\0');  // no code point of GB18030 more than doubles
    char* in = input.data();
    char* out = output.data();
    std::size_t in_left = input.size();
    std::size_t out_left = output.size();
    const auto result = iconv(converter.handle, &in, &in_left, &out, &out_left);
    bad = input.size() - in_left;
    if (result == static_cast<std::size_t>(-1)) return std::nullopt;
    output.resize(output.size() - out_left);
    return output;
}

}  // namespace

bool is_gb18030(std::string_view bytes) {
    std::size_t bad = 0;
    return from_gb18030(bytes, bad).has_value();
}

std::optional<std::string> decode_text(std::string_view bytes, std::string& why, int& line) {
    line = 1;
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
        why = "is UTF-16; save it as UTF-8 or GB18030 (\"CSV UTF-8\" in a spreadsheet)";
        return std::nullopt;
    }
    const auto broken = invalid_utf8(bytes);
    if (broken == std::string_view::npos) return std::string{bytes};
    std::size_t bad = 0;
    if (auto text = from_gb18030(bytes, bad)) return text;
    bad = std::min(bad, bytes.size() - 1);
    for (const char c : bytes.substr(0, bad))
        if (c == '\n') ++line;
    why = fmt::format("is neither UTF-8 nor GB18030: byte 0x{:02X} at offset {} fits neither",
                      static_cast<unsigned char>(bytes[bad]), bad);
    return std::nullopt;
}

}  // namespace sl::settings
