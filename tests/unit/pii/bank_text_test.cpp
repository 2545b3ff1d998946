// What a bank's staff paste into a chat all day and what is nobody's personal data: trades, logs, code, mail. Made
// here, from the same seed every time; what is flagged is counted per megabyte.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <random>
#include <string>

#include "pii/pii.h"

namespace tollgate::pii {
namespace {

class Writer {
 public:
  explicit Writer(unsigned seed) : random_(seed) {}

  std::string some(std::string_view alphabet, std::size_t length) {
    std::string out;
    while (out.size() < length) out += alphabet[random_() % alphabet.size()];
    return out;
  }
  std::string digits(std::size_t n) { return some("0123456789", n); }
  std::string upper(std::size_t n) { return some("ABCDEFGHIJKLMNOPQRSTUVWXYZ", n); }
  std::string mixed(std::size_t n) { return some("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", n); }
  std::string hex(std::size_t n) { return some("0123456789abcdef", n); }
  std::string number(unsigned first, unsigned last) { return std::to_string(first + random_() % (last - first + 1)); }
  std::string two(unsigned first, unsigned last) {
    const auto out = number(first, last);
    return out.size() == 1 ? "0" + out : out;
  }
  template <std::size_t N>
  std::string one_of(const std::array<const char*, N>& choices) {
    return choices[random_() % N];
  }

  std::string date() { return "2025-" + two(1, 12) + "-" + two(1, 28); }
  std::string clock() { return two(0, 23) + ":" + two(0, 59) + ":" + two(0, 59) + "." + digits(3); }
  std::string amount() { return number(1, 999) + "," + digits(3) + "," + digits(3) + "." + digits(2); }
  std::string uuid() { return hex(8) + "-" + hex(4) + "-4" + hex(3) + "-a" + hex(3) + "-" + hex(12); }
  std::string currency() { return one_of(std::array{"EUR", "USD", "GBP", "CHF", "JPY"}); }
  std::string bic() { return upper(4) + one_of(std::array{"DE", "FR", "GB", "US", "IT"}) + mixed(2) + "XXX"; }
  std::string isin() {
    const std::string body = one_of(std::array{"US", "DE", "FR", "GB", "LU", "XS"}) + mixed(9);
    std::string spelled;  // ISO 6166: letters as two digits, then Luhn
    for (const char c : body) spelled += c <= '9' ? std::string(1, c) : std::to_string(c - 'A' + 10);
    int sum = 0;
    bool twice = true;
    for (auto c = spelled.rbegin(); c != spelled.rend(); ++c, twice = !twice) {
      const int value = (*c - '0') * (twice ? 2 : 1);
      sum += value / 10 + value % 10;
    }
    return body + std::to_string((10 - sum % 10) % 10);
  }
  // ISO 17442: mod 97 like an IBAN.
  std::string lei() {
    const std::string body = digits(4) + "00" + mixed(12);
    int rest = 0;
    for (const char c : body + "00") {
      const int value = c <= '9' ? c - '0' : c - 'A' + 10;
      rest = (value > 9 ? rest * 100 : rest * 10) % 97 + value;
      rest %= 97;
    }
    const auto check = std::to_string(98 - rest);
    return body + (check.size() == 1 ? "0" + check : check);
  }

  std::string trade();
  std::string message();
  std::string log();
  std::string code();
  std::string mail();

 private:
  std::mt19937 random_;
};

std::string Writer::trade() {
  switch (random_() % 8) {
    case 0:
      return "Trade " + upper(3) + digits(9) + " " + isin() + " qty " + number(100, 999999) + " @ " + number(1, 300) +
             "." + digits(4) + " " + currency() + " settle " + date() + " cpty " + bic() + "\n";
    case 1:
      return "LEI " + lei() + " ISIN " + isin() + " CUSIP " + mixed(9) + " SEDOL " + mixed(7) + "\n";
    case 2:
      return date() + ";" + isin() + ";" + number(1, 9999) + ";" + digits(2) + "." + digits(6) + ";" + amount() + ";" +
             currency() + ";" + upper(4) + digits(6) + "\n";
    case 3:
      return "Order " + digits(10) + " (client order id " + uuid() + ") partially filled, " + number(1, 500) +
             " lots remain; limit " + number(90, 120) + "-" + two(0, 31) + ".\n";
    case 4:
      return "VaR 99% 10d: " + amount() + " " + currency() + ", delta " + digits(1) + "." + digits(8) + ", vega -" +
             digits(3) + "." + digits(2) + ", curve 3M 6M 1Y 2Y 5Y 10Y 30Y: 2.41 2.38 2.30 2.25 2.31 2.47 2.66\n";
    case 5:
      return "EURUSD " + digits(1) + "." + digits(5) + " GBPUSD 1." + digits(5) + " USDJPY 1" + digits(2) + "." +
             digits(3) + " spread 0." + digits(1) + " volume " + digits(8) + "\n";
    case 6:
      return "invoice no. " + digits(8) + " purchase order 45" + digits(8) + " cost center " + digits(6) +
             " general ledger " + digits(6) + " amount " + amount() + "\n";
    default:
      return "Basel III ratio 2025: CET1 14." + digits(1) + "%, LCR 1" + digits(2) + "%, RWA " + amount() +
             " thousand\n";
  }
}

std::string Writer::message() {
  switch (random_() % 4) {
    case 0:
      return ":20:" + upper(4) + digits(10) + "\n:32A:" + digits(2) + two(1, 12) + two(1, 28) + currency() + digits(6) +
             ",00\n:71A:SHA\n";
    case 1:
      return "<MsgId>" + upper(6) + "-" + digits(8) + "-" + digits(6) + "</MsgId><CreDtTm>" + date() +
             "T10:00:00</CreDtTm><NbOfTxs>" + number(1, 99) + "</NbOfTxs><BICFI>" + bic() + "</BICFI>\n";
    case 2:
      return "8=FIX.4.4|9=" + digits(3) + "|35=D|34=" + digits(5) + "|52=2025" + two(1, 12) + two(1, 28) + "-" +
             clock() + "|11=" + mixed(12) + "|48=" + isin() + "|22=4|54=1|38=" + number(1, 9999) + "|44=" + digits(2) +
             "." + digits(2) + "|10=" + digits(3) + "|\n";
    default:
      return "UETR " + uuid() + " reference " + upper(2) + digits(12) + " status ACSC\n";
  }
}

std::string Writer::log() {
  switch (random_() % 9) {
    case 0:
      return date() + " " + clock() + " INFO [http-nio-8443-exec-" + number(1, 200) +
             "] c.b.p.PaymentService - processed batch " + digits(7) + " in " + number(1, 9999) + " ms\n";
    case 1:
      return "\tat com.bank.core.ledger.PostingEngine.apply(PostingEngine.java:" + number(10, 999) +
             ")\n\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1136)\n";
    case 2:
      return "M  *** ERROR => ThSAPCcmsCheck failed [thxxhead.c   " + digits(4) + "]\nN  dy_signi_ext: client 100, T" +
             digits(2) + "_U" + digits(5) + "_M0, transaction FB0" + digits(1) + ", document 19" + digits(8) +
             " company code " + digits(4) + "\n";
    case 3:
      return "ORA-0" + digits(4) + ": unique constraint (CORE.PK_" + upper(6) + ") violated; SQL_ID " + hex(13) +
             "; SCN " + digits(11) + "\n";
    case 4:
      return date() + "T" + clock() + "Z level=info trace_id=" + hex(32) + " span_id=" + hex(16) +
             " duration=" + digits(2) + "." + digits(3) + "ms bytes=" + number(100, 99999) + " status=200\n";
    case 5:
      return "pod/payments-api-" + hex(9) + "-" + some("bcdfghjklmnpqrstvwxz2456789", 5) +
             " 2/2 Running 0 17h image registry/core/api:2." + number(1, 40) + "." + number(1, 40) +
             "@sha256:" + hex(64) + "\n";
    case 6:
      return "IDOC " + digits(16) + " status 53 message type ORDERS05, material 10000" + digits(5) + ", delivery 008" +
             digits(7) + ", batch " + mixed(10) + "\n";
    case 7:
      return "[GC (Allocation Failure) " + digits(6) + "K->" + digits(5) + "K(" + digits(7) + "K), 0." + digits(7) +
             " secs] JOB" + digits(5) + " STEP010 RC=00" + digits(2) + " EXCP=" + digits(6) + "\n";
    default:
      return "commit " + hex(40) + "\nindex " + hex(7) + ".." + hex(7) + " 100644\n@@ -" + number(1, 999) + "," +
             number(1, 20) + " +" + number(1, 999) + "," + number(1, 20) + " @@ def reconcile(batch):\n";
  }
}

std::string Writer::code() {
  switch (random_() % 8) {
    case 0:
      return "String password = config.getPassword();\nif (token == null) throw new AuthException(\"token is "
             "missing\");\n";
    case 1:
      return "SELECT trade_id, isin, notional FROM trades WHERE book_id = " + digits(6) + " AND value_date >= '" +
             date() + "' ORDER BY trade_id FETCH FIRST 100 ROWS ONLY;\n";
    case 2:
      return "constexpr std::uint64_t kSeed = 0x" + hex(16) + "ULL;  // see boost::hash_combine, page " + digits(3) +
             "\n";
    case 3:
      return "password: ${DB_PASSWORD}\napi_key: {{ vault.api_key }}\nmax_tokens: 4096\nsecretName: "
             "payments-tls-2025\n";
    case 4:
      return "@RestController public class " + upper(1) +
             "erController { @Value(\"${app.secret}\") private String secret; }\n";
    case 5:
      return "\"integrity\": \"sha512-" + some("ABCDEFGHabcdefgh0123456789+/", 86) + "==\", \"version\": \"" +
             number(0, 20) + "." + number(0, 40) + "." + number(0, 9) + "\",\n";
    case 6:
      return "curl -H \"Authorization: Bearer $TOKEN\" https://api.bank.example/v1/accounts?limit=100&offset=" +
             digits(4) + "\n";
    default:
      return "assert.equal(add(0.1, 0.2), 0.30000000000000004); const id = '" + uuid() + "'; margin: 0 auto; color: #" +
             hex(6) + ";\n";
  }
}

std::string Writer::mail() {
  switch (random_() % 8) {
    case 0:
      return "Sehr geehrte Damen und Herren, anbei der Bericht für das 3. Quartal 2025. Die Sitzung findet am " +
             two(1, 28) + "." + two(1, 12) + ".2025 um 14:30 Uhr in Raum 4.117 statt. Vorgang " + digits(7) + ".\n";
    case 1:
      return "Bonjour, le dossier n° " + digits(8) + " a été validé le " + two(1, 28) + "/" + two(1, 12) +
             "/2025 pour un montant de " + number(1, 999) + " " + digits(3) +
             ",00 €. Cordialement, le service comptable\n";
    case 2:
      return "Estimados compañeros: la reunión del " + number(1, 28) + " de marzo de 2025 se aplaza; el expediente " +
             digits(6) + "/2025 sigue abierto. Importe: " + amount() + " EUR.\n";
    case 3:
      return "Gentili colleghi, la delibera n. " + digits(4) + " del " + two(1, 28) +
             " marzo 2025 autorizza la spesa di " + number(1, 99) + ".000,00 euro sul capitolo " + digits(5) + ".\n";
    case 4:
      return "Hi all, quick reminder: the password policy changes on " + number(1, 28) +
             " March 2025; tokens expire after 90 days. Ticket INC" + digits(7) + ", change CHG" + digits(7) + ".\n";
    case 5:
      return "Die Rechnung " + digits(10) + " über " + number(1, 99) + "." + digits(3) + ",00 EUR ist fällig am " +
             two(1, 28) + "." + two(1, 12) + ".2025. Bestellung 4500" + digits(6) + ", Position 00" + digits(2) +
             "0.\n";
    case 6:
      return "Please compare page " + number(1, 400) + "-" + number(401, 900) +
             " of the prospectus with section 4.2.1.7; the basis was " + digits(2) + "/360, see Art. " + number(1, 99) +
             " CRR and IFRS 9 par. 5.5.3.\n";
    default:
      return "The board approved 12 of 15 items (80%) on " + date() + "; see minutes 2025/" + digits(3) +
             ", annex B, and the forecast for 2026-2030.\n";
  }
}

// Findings by type and by the piece of text they are in.
std::map<std::string, int> flagged(std::size_t bytes, std::string (Writer::*piece)()) {
  static const Scanner scanner;
  Writer writer(20251121);
  std::string text;
  while (text.size() < bytes) text += (writer.*piece)();
  std::map<std::string, int> out;
  for (const auto& f : scanner.scan(text)) {
    if (f.score < 0.5) continue;
    if (++out[std::string(to_string(f.type))] <= 3) {
      const std::size_t from = f.start > 50 ? f.start - 50 : 0;
      std::printf("%s <%s> in ...%s\n", std::string(to_string(f.type)).c_str(),
                  text.substr(f.start, f.end - f.start).c_str(), text.substr(from, f.end - from + 10).c_str());
    }
  }
  return out;
}

int total(const std::map<std::string, int>& counts) {
  int out = 0;
  for (const auto& [type, count] : counts) out += count;
  return out;
}

constexpr std::size_t kMegabyte = 1U << 20U;

class BankText : public testing::TestWithParam<std::tuple<const char*, std::string (Writer::*)(), int>> {};

TEST_P(BankText, IsFlaggedRarely) {
  const auto& [name, piece, most] = GetParam();
  const int count = total(flagged(kMegabyte, piece));
  std::printf("%s: %d findings per megabyte\n", name, count);
  EXPECT_LE(count, most);
}

INSTANTIATE_TEST_SUITE_P(All, BankText,
                         testing::Values(std::tuple{"trades", &Writer::trade, 130},
                                         std::tuple{"messages", &Writer::message, 5},
                                         std::tuple{"logs", &Writer::log, 8}, std::tuple{"code", &Writer::code, 5},
                                         std::tuple{"mail", &Writer::mail, 45}),
                         [](const auto& info) { return std::string(std::get<0>(info.param)); });

}  // namespace
}  // namespace tollgate::pii
