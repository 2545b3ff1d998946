# Sourced by ./run --check: two calls with personal data, and what became of them.
# Expects: tollgate, config, demo, key, ca, port, ops_port.
# shellcheck shell=bash disable=SC2154

url=https://127.0.0.1:$port/v1
email=anna.berger@example.com
card='4111 1111 1111 1111'
prompt="My e-mail is $email and my card is $card. Please confirm both."

ask() {  # ask STREAM: one call; prints the raw answer
  curl -sS --fail-with-body --cacert "$ca" "$url/chat/completions" -N \
    -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
    -d "{\"model\":\"demo\",\"stream\":$1,\"temperature\":0,\"max_tokens\":120,\"messages\":[{\"role\":\"user\",\"content\":\"$prompt\"}]}"
}
metric() { curl -fsS "http://127.0.0.1:$ops_port/metrics" | grep -E "^$1" || true; }
wait_for_rows() {  # wait_for_rows N: the ledger commits within milliseconds, but not before the answer
  for _ in $(seq 100); do
    [ "$("$tollgate" ledger rows -c "$config" --limit 100 | wc -l)" -ge "$1" ] && return 0
    sleep 0.05
  done
  die "The ledger did not get its rows."
}

before=$(metric tollgate_)

echo; echo "== The prompt: $prompt"
echo; echo "== A plain call"
plain=$(ask false) || die "The plain call failed: $plain"
echo "$plain"
echo; echo "== A streamed call"
stream=$(ask true) || die "The streamed call failed: $stream"
echo "$stream"
grep -q '^data: \[DONE\]' <<<"$stream" || die "The stream did not end with its marker."

echo; echo "== What left for the model instead"
printf '%s' "$prompt" | "$tollgate" pii scan
wait_for_rows 2

echo; echo "== The ledger"
"$tollgate" ledger rows -c "$config" --limit 2
echo; echo "== tollgate report cost"
"$tollgate" report cost -c "$config"
echo; echo "== Metrics that moved"
{ diff <(echo "$before") <(metric tollgate_) | grep '^>' | grep -v _bucket | sed 's/^> //'; } || true

rows=$("$tollgate" ledger rows -c "$config" --limit 10)
[ "$(grep -c '"outcome":"ok"' <<<"$rows")" = 2 ] || die "Expected two rows with outcome ok."
[ "$(grep -c '"pii_found":2' <<<"$rows")" = 2 ] || die "Expected two findings in each call."
grep -q '"cost_nano":0,' <<<"$rows" && die "A call has no cost."
grep -qF "$email" "$demo/gateway.log" && die "The log holds the e-mail address."
grep -qF "$key" "$demo/gateway.log" && die "The log holds the key."
grep -qF "$email" <<<"$plain" || die "The plain answer does not hold the restored e-mail address."
grep -qF "$card" <<<"$plain" || die "The plain answer does not hold the restored card number."
echo; say "all is well"
