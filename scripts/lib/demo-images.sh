# shellcheck shell=bash
# Builds the product's images, brings them to the cluster, and installs the product. Sourced by
# scripts/demo. Leaves: $images_told, $agent_id and $webhook_id (what the images contain), and
# $install_folder for kubectl apply -k.

product_version=$(node -p 'require(process.argv[1]).version' "$scripts/../package.json")
repository_names=(agent webhook)

provide_images() {
  install_folder=manifests/base
  agent_id=unknown webhook_id=unknown images_told=''
  if [ "${RO_IMAGES_LOADED:-}" = yes ]; then
    images_told="RO_IMAGES_LOADED=yes: taken to be in the cluster"
    return
  fi
  if [ -n "$local_cluster" ]; then
    provide_to_local
  elif [ -n "${RO_PUSH:-}" ]; then
    build_archives
    push_archives "${RO_PUSH%/}"
    images_told="pushed to ${RO_PUSH%/}; the cluster pulls $product itself"
  elif [[ $context = kind-* ]]; then
    command -v kind >/dev/null || die "the context $context is kind's, and kind is not in PATH" \
      "put it there; or load the archives yourself, and say RO_IMAGES_LOADED=yes"
    build_archives
    kind load image-archive --name "${context#kind-}" "${archives[0]}" 2>&1 | indent
    kind load image-archive --name "${context#kind-}" "${archives[1]}" 2>&1 | indent
    images_told="loaded into kind; the cluster pulls $product itself"
  elif command -v minikube >/dev/null && minikube --profile "$context" status >/dev/null 2>&1; then
    build_archives
    minikube --profile "$context" image load "${archives[0]}" 2>&1 | indent
    minikube --profile "$context" image load "${archives[1]}" 2>&1 | indent
    images_told="loaded into minikube; the cluster pulls $product itself"
  else
    die "the cluster of context $context is neither of scripts/cluster, kind nor minikube" \
      "RO_PUSH=REGISTRY/PATH $again (a registry that the cluster can pull from); or load the
    archives of 'scripts/images build agent webhook' into it, then RO_IMAGES_LOADED=yes $again"
  fi
}

provide_to_local() {
  local list="$work/archives"
  "$scripts/images" build agent webhook "$product" 2> >(indent >&2) >"$list"
  mapfile -t archives <"$list"
  identify_archives
  "$scripts/cluster" load --name "$local_cluster" "${archives[@]}" 2>&1 | indent
  images_told="agent $(megabytes "${archives[0]}") MB, webhook $(megabytes "${archives[1]}") MB, $product $(megabytes "${archives[2]}") MB"
}

# build_archives: agent and webhook. With docker where there is one, which needs no Debian.
build_archives() {
  local name image
  archives=()
  if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
    for name in "${repository_names[@]}"; do
      image="redis-orchestrator/$name:$product_version"
      docker build --quiet --tag "$image" --file "$repository/Dockerfile.$name" "$repository" 2>&1 |
        indent
      docker save --output "$work/$name.tar" "$image"
      archives+=("$work/$name.tar")
    done
  else
    "$scripts/images" build agent webhook 2> >(indent >&2) >"$work/archives"
    mapfile -t archives <"$work/archives"
  fi
  identify_archives
}

megabytes() { du -m --apparent-size "$1" | cut -f1; }

identify_archives() {
  agent_id=$(archive_id "${archives[0]}")
  webhook_id=$(archive_id "${archives[1]}")
}

# What an image is made of: the key that scripts/images keeps beside it, the same for each build of
# the same; else the digest of the image's configuration.
archive_id() {
  local key=${1%.tar}.key
  if [ -f "$key" ]; then
    cat "$key"
    return
  fi
  tar -xOf "$1" manifest.json | jq -r '.[0].Config' | sed 's|.*/||; s|\.json$||' | cut -c1-16
}

# push_archives REGISTRY/PATH: and an install of its own that names them there.
push_archives() {
  local index target flags
  read -ra flags <<<"${RO_PUSH_FLAGS:-}"
  command -v skopeo >/dev/null || need_packages skopeo
  for index in 0 1; do
    target="$1/${repository_names[$index]}:$product_version"
    skopeo copy --quiet "${flags[@]}" "docker-archive:${archives[$index]}" "docker://$target" ||
      die "the image could not be pushed to $target" \
        "is RO_PUSH right, and are you logged in (skopeo login)? RO_PUSH_FLAGS adds flags of skopeo"
  done
  install_folder="$work/install"
  mkdir "$install_folder"
  # kustomize wants relative paths.
  cat >"$install_folder/kustomization.yaml" <<YAML
resources:
  - $(realpath --relative-to="$install_folder" "$repository/manifests/base")
images:
  - name: redis-orchestrator/webhook
    newName: $1/webhook
    newTag: "$product_version"
patches:
  - target: {kind: Deployment, name: redis-orchestrator-webhook}
    patch: |
      - op: replace
        path: /spec/template/spec/containers/0/args/0
        value: --agent-image=$1/agent:$product_version
YAML
}

# install_product: and, where the webhook's image has changed under the same name, new pods of it.
# The note of what runs is written last: a run that was interrupted before does it again.
install_product() {
  local before
  before=$(noted_image "$system" webhook)
  (cd "$repository" && k apply -k "$install_folder") >"$work/applied" || die \
    "the install was refused" "see kubectl's message above; it needs the rights of a cluster admin"
  { grep -v ' unchanged$' "$work/applied" || true; } | indent
  if [ -n "$before" ] && [ "$before" != "$webhook_id" ]; then
    tell "the webhook's image is another one than before: its pods are replaced"
    k --namespace "$system" rollout restart deployment/redis-orchestrator-webhook | indent
  fi
  k --namespace "$system" rollout status deployment/redis-orchestrator-webhook --timeout=300s \
    >/dev/null || webhook_missing
  wait_until 60 is_webhook_trusted || die "the webhook's configuration has no caBundle" \
    "read: $(kubectl_told) -n $system logs deployment/redis-orchestrator-webhook"
  note_image "$system" webhook "$webhook_id"
}

webhook_missing() {
  k --namespace "$system" get pods >&2
  k --namespace "$system" get events --sort-by=.lastTimestamp 2>/dev/null | tail -n 8 >&2
  k --namespace "$system" logs deployment/redis-orchestrator-webhook --tail=10 >&2 || true
  tell_load
  die "the webhook's pods are not ready" \
    "see above; if the image cannot be pulled, see 'How the two images get to a cluster' in --help"
}

is_webhook_trusted() {
  k get mutatingwebhookconfiguration redis-orchestrator \
    -o 'jsonpath={range .webhooks[*]}{.clientConfig.caBundle}{"\n"}{end}' >"$work/bundles"
  [ "$(grep -c . "$work/bundles")" -ge 1 ] && ! grep -q '^$' "$work/bundles"
}

# Which image the pods of a namespace were started from is noted at the namespace.
noted_image() {
  k get namespace "$1" -o "jsonpath={.metadata.annotations.demo\\.redis-orchestrator\\.io/$2-image}" \
    2>/dev/null || true
}

note_image() {
  k annotate --overwrite namespace "$1" "demo.redis-orchestrator.io/$2-image=$3" >/dev/null
}
