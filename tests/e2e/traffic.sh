#!/usr/bin/env bash
# Copyright: (c) 2026, okd.registry contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# A client that pulls and pushes all the time, with the node's own docker: what tests/e2e/traffic.py starts on nodes.
#
#     traffic.sh NODE DIGEST ENDPOINT...
#
# Ends when the file "run" beside it is gone. Each attempt is a line of "log": when it began (seconds since 1970), how
# many seconds it took, the endpoint, the verb, ok or failed, and the last line that docker said.
cd "$(dirname "$0")" || exit 1
node=$1 digest=$2
shift 2
export DOCKER_CONFIG=$PWD/docker

attempt() {
  local endpoint=$1 verb=$2 began=$EPOCHREALTIME outcome=ok
  shift 2
  said=$("$@" 2>&1) || outcome=failed
  local took=$((${EPOCHREALTIME/./} - ${began/./}))
  printf '%s\t%d.%06d\t%s\t%s\t%s\t%s\n' \
    "$began" $((took / 1000000)) $((took % 1000000)) "$endpoint" "$verb" "$outcome" "$(tail -n 1 <<<"$said")" >>log
}

mkdir -p tree
while [ -e run ]; do
  for endpoint; do
    pulled=$endpoint/test/traffic@$digest
    attempt "$endpoint" pull docker pull -q "$pulled"
    docker rmi -f "$pulled" >/dev/null 2>&1
    # What is pushed is new each time, so that a layer really goes there.
    pushed=$endpoint/test/traffic-$node:latest
    echo "$node $EPOCHREALTIME" >tree/content
    tar -C tree -c content | docker import - "$pushed" >/dev/null 2>&1
    attempt "$endpoint" push docker push -q "$pushed"
    docker rmi -f "$pushed" >/dev/null 2>&1
    sleep 6  # two processors have a cluster and the rotation to run, too
  done
done
