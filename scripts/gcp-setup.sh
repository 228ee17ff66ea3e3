#!/usr/bin/env bash
# The Google half of a set-up: table, views, and a service account that may write to the table and nothing else. It can be
# run again: what is there is kept. `aig-logs setup` carries out and prints the same commands; it has this very file in it.
set -euo pipefail

readonly ACCOUNT=aig-logs
readonly ROLE=aigLogsWriter
readonly PERMISSIONS=bigquery.tables.updateData,bigquery.tables.get,bigquery.datasets.get
# The table of the pipeline's own passes, beside the raw table.
readonly RUNS=aig_runs
# A new service account is not known everywhere at once.
readonly TRIES=12 PAUSE=5
# The exit code where gcloud or bq is not here.
readonly MISSING=3

usage() {
  cat <<'USAGE'
scripts/gcp-setup.sh [OPTIONS] PROJECT [DATASET] [TABLE] [LOCATION]

  PROJECT        Google Cloud project id
  DATASET        BigQuery dataset, made where it is missing       [ai_gateway]
  TABLE          the raw table                                    [aig_logs_raw]
  LOCATION       location of a new dataset; it cannot be moved    [US]

  --print        print the commands, carry out nothing
  --data-editor  the role BigQuery Data Editor on the two tables, in place of a custom role
  --account      the service account alone: dataset, table and views are there
  --key FILE     where its key goes, unless such a file is there  [key.json]

It acts as the account of `gcloud auth login`. Exit codes: 0 done, 1 refused, 3 gcloud or bq is not here.
USAGE
}

print="" data_editor="" account_only="" key=key.json

main() {
  while [[ "${1:-}" == -* ]]; do
    case "$1" in
      --print) print=yes ;;
      --data-editor) data_editor=yes ;;
      --account) account_only=yes ;;
      --key) key="${2:?--key needs a file}" && shift ;;
      --help | -h) usage && exit 0 ;;
      *) usage >&2 && exit 2 ;;
    esac
    shift
  done
  [[ $# -ge 1 && $# -le 4 ]] || { usage >&2 && exit 2; }
  project="$1" dataset="${2:-ai_gateway}" table="${3:-aig_logs_raw}" location="${4:-US}"
  check_names
  email="$ACCOUNT@$project.iam.gserviceaccount.com"
  [[ -n "$print" ]] || look_for gcloud bq
  [[ -n "$account_only" ]] || make_tables
  make_account
  give_rights
  make_key
}

# Names stand in commands and in SQL: one that is none is refused before anything is done.
check_names() {
  named PROJECT "$project" '^[a-z][a-z0-9.:-]*[a-z0-9]$'
  named DATASET "$dataset" '^[A-Za-z0-9_]+$'
  named TABLE "$table" '^[A-Za-z0-9_-]+$'
  named LOCATION "$location" '^[A-Za-z0-9-]+$'
}

# named WHAT TEXT PATTERN
named() {
  [[ "$2" =~ $3 ]] || { printf '! %s is no such name: %q\n' "$1" "$2" && exit 2; }
}

look_for() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { echo "! $tool is not here: cloud.google.com/sdk/docs/install" && exit "$MISSING"; }
  done
}

make_tables() {
  if there bq --project_id="$project" show --dataset "$project:$dataset"; then
    kept "dataset $dataset"
  else
    make "dataset $dataset" "bigquery.datasets.create, which the role BigQuery User has" \
      bq --project_id="$project" --location="$location" mk --dataset "$project:$dataset"
  fi
  local sql=sql/bigquery names
  [[ "$0" == scripts/* ]] || sql="${0%/*}/../sql/bigquery"
  names="s/\${GCP_BQ_PROJECT}/$project/g; s/\${GCP_BQ_DATASET}/$dataset/g; s/\${GCP_BQ_TABLE}/$table/g"
  # Where the statements are carried out BigQuery finds out by itself, from the dataset.
  # shellcheck disable=SC2016 # The inner shell puts its arguments in.
  make "table and views" "the roles BigQuery Job User on the project and BigQuery Data Editor on the dataset" \
    bash -c 'cat "$1"/*.sql | sed "$2" | bq --project_id="$3" query --use_legacy_sql=false' bash "$sql" "$names" "$project"
}

make_account() {
  if there gcloud iam service-accounts describe "$email" --project="$project"; then
    kept "service account $email"
  else
    make "service account $email" "iam.serviceAccounts.create, which the role Service Account Admin has" \
      gcloud iam service-accounts create "$ACCOUNT" --project="$project" --display-name="AI Gateway logs"
  fi
}

give_rights() {
  if [[ -n "$data_editor" ]]; then
    # On these two alone: it may also read and delete.
    grant roles/bigquery.dataEditor TABLE "$table" bigquery.tables.setIamPolicy
    grant roles/bigquery.dataEditor TABLE "$RUNS" bigquery.tables.setIamPolicy
    return
  fi
  if there gcloud iam roles describe "$ROLE" --project="$project"; then
    kept "role $ROLE"
  else
    make "role $ROLE" "iam.roles.create, which the role Role Administrator has (or go without: --data-editor)" \
      gcloud iam roles create "$ROLE" --project="$project" --title="AI Gateway logs writer" --stage=GA \
      --permissions="$PERMISSIONS"
  fi
  # One of its permissions is about the dataset, and the others add rows and no more.
  grant "projects/$project/roles/$ROLE" SCHEMA "" bigquery.datasets.update
}

# grant ROLE KIND TABLE PERMISSION: gives the service account a role; again is as good as once.
grant() {
  local name="$project.$dataset${3:+.$3}"
  make "$1 on $name" "$4, which the role BigQuery Data Owner has, and BigQuery Job User" \
    bq --project_id="$project" query --use_legacy_sql=false \
    "GRANT \`$1\` ON $2 \`$name\` TO 'serviceAccount:$email'"
}

# Each key is good until it is deleted, so none is made in vain.
make_key() {
  umask 077
  if there test -e "$key"; then
    kept "key $key"
  else
    make "key of $email" "iam.serviceAccountKeys.create, which the role Service Account Key Admin has" \
      gcloud iam service-accounts keys create "$key" --iam-account="$email" --project="$project"
  fi
}

# there COMMAND…: whether it is there already. Nothing is looked at where commands are printed.
there() { [[ -z "$print" ]] && "$@" >/dev/null 2>&1; }

kept() { echo "= $1: there already"; }

# make WHAT PERMISSION COMMAND…: carries the command out, or prints it.
make() {
  local what="$1" permission="$2" said try
  shift 2
  if [[ -n "$print" ]]; then
    quoted "$@"
    return
  fi
  for ((try = 1; ; try++)); do
    said="$("$@" 2>&1)" && break
    [[ "$said" == *"does not exist"* && $try -lt TRIES ]] || refused "$what" "$permission" "$said"
    sleep "$PAUSE"
  done
  echo "✓ $what"
}

# refused WHAT PERMISSION ANSWER
refused() {
  echo "! $1: ${3//$'\n'/ }"
  echo "  Whoever is signed in needs $2"
  exit 1
}

# A command as one can type it.
quoted() {
  local word line=""
  for word in "$@"; do
    [[ "$word" != *[!A-Za-z0-9_./:=@,-]* ]] || word="'${word//\'/\'\\\'\'}'"
    line+=" $word"
  done
  echo "${line# }"
}

main "$@"
