# bash completion for upgate(1). Source it, or install it as `upgate` in a bash-completion folder.

# Prints the words to offer as the value of flag $1 of command $2, or FILE for a file name. Fails if the flag takes no value.
_upgate_values() {
  case $1 in
    -c | --config | --ca | --cert | --key | --token-file) echo FILE ;;
    --admin) echo 127.0.0.1: localhost: unix:/ https:// ;;
    --sort) echo id bytes age idle ;;
    --code) echo 1000 1001 1008 1012 1013 ;;
    --spread) echo 10s 30s 1m 5m ;;
    --limit) echo 100 1000 ;;
    -X | --method) echo GET HEAD POST PUT PATCH DELETE OPTIONS ;;
    -H | --header) echo Host: Origin: Cookie: Authorization: Sec-WebSocket-Protocol: X-Forwarded-For: X-Forwarded-Proto: ;;
    --timeout) echo 1s 5s 10s 30s ;;
    --host) [[ $2 != demo ]] || echo 127.0.0.1 0.0.0.0 localhost ;;
    -l | --listen) echo 127.0.0.1: unix:/ ;;
    --to) echo tcp:// unix:/ tls:// ws:// wss:// http:// https:// ;;
    --from) echo 127.0.0.1 ;;
    --dialect) echo rfc6455 hybi08 hixie76 hixie75 ;;
    --port | --tls-port | --subprotocol | --route | --server | --listener | --client | --user | --after | --reason | --allow | --allow-origin) ;;
    --web) echo FILE ;;
    *) return 1 ;;
  esac
}

# Offers the words in $1 that begin with $2.
_upgate_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }

_upgate_files() {
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
  compopt -o filenames 2>/dev/null
}

_upgate() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' flags='' values
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _upgate_words 'run check explain probe connect relay reload status sessions close drain undrain demo version --help --version' "$word"
    return
  fi

  command=${COMP_WORDS[1]}
  local gateway='--admin --config --token-file --ca --insecure --json'
  local choice='--route --server --listener --client --subprotocol --user'
  if ((COMP_CWORD > 2)) && values=$(_upgate_values "$before" "$command"); then
    if [[ $values == FILE ]]; then
      _upgate_files "$word"
    else
      _upgate_words "$values" "$word"
    fi
    return
  fi

  case $command in
    run) flags='--config' ;;
    check) flags='--config --no-listen' ;;
    explain) flags='--config --header --method --dialect --from --client --listener --admin --token-file --ca --insecure' ;;
    probe) flags='--timeout --header --subprotocol --host --ca --insecure' ;;
    connect) flags='--listen --timeout --header --subprotocol --ca --cert --key --insecure' ;;
    relay) flags='--listen --to --token-file --allow --web --cert --key --allow-origin' ;;
    demo) flags='--host --port --tls-port' ;;
    reload | status) flags=$gateway ;;
    sessions) flags="$gateway $choice --sort --limit --after" ;;
    close) flags="$gateway $choice --code --reason --spread" ;;
    drain) flags="$gateway --server --route --listener --spread" ;;
    undrain) flags="$gateway --server --route --listener" ;;
    version) ;;
    *) return ;;
  esac
  if [[ $word == -* ]]; then
    _upgate_words "$flags --help" "$word"
  elif [[ $command == run || $command == check ]]; then
    _upgate_files "$word"
  elif [[ $command == explain || $command == probe || $command == connect ]]; then
    _upgate_words 'ws:// wss:// http:// https://' "$word"
    compopt -o nospace 2>/dev/null
  fi
}

complete -F _upgate upgate
